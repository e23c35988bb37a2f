"""`neuralake serve` as a user runs it: it answers, ends when asked, and says what is wrong."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.measure.process import process_tree
from tests.conftest import Cli, cli_environment, is_gone
from tests.more import few

CATALOG = """
from neuralake.catalog import DeltaTable
orders = DeltaTable(name="orders", location="{place}")
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    deltalake.write_deltalake(lake / "orders", pa.table({"id": [1, 2, 3]}))
    (lake / "shop.py").write_text(CATALOG.format(place=lake / "orders"))
    return lake / "shop.py"


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, process.communicate()[1]
    return said.removeprefix("serving on ").strip()


def count(url: str, table: str = "orders") -> bytes:
    sql = f"SELECT count(*) AS n FROM {table}"
    request = urllib.request.Request(
        f"{url}/api/sql", sql.encode(), {"content-type": "application/sql"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers, which are killed after the test if they still run."""
    started: list[subprocess.Popen[str]] = []

    def run(
        *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "neuralake", "serve", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**cli_environment(tmp_path, tmp_path), **(environment or {})},
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost, and its key."""
    place = tmp_path_factory.mktemp("tls")
    paths = place / "certificate.pem", place / "key.pem"
    options = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", *options, *names, "-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.mark.parametrize("number", few([signal.SIGTERM, signal.SIGINT]))
def test_it_answers_until_it_is_asked_to_end(
    catalog: Path, start: Start, number: signal.Signals
) -> None:
    process = start("--catalog", catalog, "--listen", "127.0.0.1:0")
    assert count(url_of(process)) == b'[{"n":3}]\n'
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_killed_it_leaves_nothing_and_is_started_again_at_the_same_place(
    catalog: Path, start: Start
) -> None:
    process = start("--catalog", catalog, "--listen", "127.0.0.1:0")
    url = url_of(process)
    assert count(url, "orders NATURAL JOIN (SELECT 1)") == b'[{"n":3}]\n'
    workers = [pid for pid in process_tree(process.pid) if pid != process.pid]
    assert workers
    process.kill()
    process.wait()
    assert all(map(is_gone, workers))
    address = url.removeprefix("http://")
    again = start("--catalog", catalog, "--listen", address)
    assert url_of(again) == url
    assert count(url) == b'[{"n":3}]\n'


def test_beyond_loopback_it_speaks_tls_and_asks_for_a_token(
    catalog: Path, start: Start, certificate: tuple[Path, Path]
) -> None:
    import ssl

    file, key = certificate
    process = start(
        *("--catalog", catalog, "--listen", "0.0.0.0:0"),
        *("--tls-certificate", file, "--tls-key", key),
        environment={"NEURALAKE_SERVE_TOKEN": "a-token"},
    )
    port = url_of(process).rpartition(":")[2]
    request = urllib.request.Request(
        f"https://localhost:{port}/api/schema", headers={"authorization": "Bearer a-token"}
    )
    context = ssl.create_default_context(cafile=str(file))
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:
        assert b'"orders"' in answer.read()


OLD = """
from neuralake.catalog import About, DeltaTable, Deprecated
old = DeltaTable(
    name="old", location="{place}", about=About(deprecated=Deprecated("Too slow.", "new")))
new = DeltaTable(name="new", location="{place}")
"""
WARNING = "neuralake: table old is deprecated: Too slow; use new\n"


@pytest.mark.parametrize(
    ("options", "warnings"),
    few([((), WARNING), (("--table", "new"), "")]),
    ids=["all", "chosen"],
)
def test_that_it_serves_a_deprecated_table_is_told_once_however_often_it_is_asked(
    catalog: Path, start: Start, tmp_path: Path, options: tuple[str, ...], warnings: str
) -> None:
    (tmp_path / "old.py").write_text(OLD.format(place=catalog.with_name("orders")))
    process = start("--catalog", tmp_path / "old.py", "--listen", "127.0.0.1:0", *options)
    url = url_of(process)
    for table in ("old", "old NATURAL JOIN (SELECT 1)") if warnings else ("new",):
        assert count(url, table) == b'[{"n":3}]\n'
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, warnings)


def test_a_token_that_no_client_could_show_is_told(catalog: Path, start: Start) -> None:
    process = start("--catalog", catalog, environment={"NEURALAKE_SERVE_TOKEN": "s3cret\n"})
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.count("\n")) == (2, 1)
    assert "NEURALAKE_SERVE_TOKEN has a space or line break" in errors
    assert "s3cret" not in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--listen", "0.0.0.0:0"], "a token in NEURALAKE_SERVE_TOKEN and --tls-certificate"),
        (["--listen", "nowhere"], "is no address: expected host:port"),
        (["--listen", "127.0.0.1:0", "--catalog", "none.py"], "none.py"),
        (["--tls-key", "k.pem"], "--tls-certificate and --tls-key go together"),
        (["--timeout", "soon"], "'soon' is no duration"),
        (["--memory", "8"], "'8' has no unit"),
        (["--concurrency", "-1"], "--concurrency"),
    ],
)
def test_what_is_wrong_is_one_line(
    typed: Cli, catalog: Path, arguments: list[str], words: str
) -> None:
    done = typed("serve", *([] if "--catalog" in arguments else ["--catalog", catalog]), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_named(cli: Cli, catalog: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = cli("serve", "--catalog", catalog, "--listen", address)
    assert done.returncode == 2
    assert done.stderr.startswith(f"neuralake: cannot listen on {address}: Address already in use")
