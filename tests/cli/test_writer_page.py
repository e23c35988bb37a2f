"""The page that tells how to write a table: what a reader types is done here, in its order."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import deltalake
import pytest

from tests.conftest import cli_environment
from tests.sources.test_flight import certificate as make_certificate
from tests.writer.running import Running, free_port

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-table.md").read_text()
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(m["kind"], m["text"]) for m in _BLOCK.finditer(PAGE)]
CATALOG, CLIENT = (text for kind, text in BLOCKS if kind == "python")
(ROWS,) = (text for kind, text in BLOCKS if kind == "json")
SESSIONS = [text for kind, text in BLOCKS if kind == "console"]
certificate = make_certificate


def typed(session: str) -> str:
    """The last command of a session."""
    return session.rsplit("$ ", maxsplit=1)[-1].splitlines()[0]


def without_figures(text: str) -> str:
    """What differs from one time to the next left out."""
    return re.sub(r"[\d.]+ (m?s ago|KiB)", lambda m: f"… {m[1].removeprefix('m')}", text)


@pytest.mark.more
def test_the_page_can_be_followed(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    pipe, server, beyond, status = SESSIONS
    (tmp_path / "catalog.py").write_text(CATALOG)
    (tmp_path / "rows.ndjson").write_text(ROWS)
    scripts = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    environment = cli_environment(tmp_path / "data", tmp_path) | scripts

    def run(session: str) -> str:
        done = subprocess.run(
            ["bash", "-c", typed(session)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert run(pipe) in pipe  # what is said is what the page says
    table = tmp_path / "data" / "events"
    first, second = deltalake.DeltaTable(table).to_pyarrow_table().to_pylist()
    assert (first["amount"], second["amount"]) == (Decimal("19.99"), Decimal("0.10"))
    assert first["at"] > second["at"]

    port = free_port()
    words = typed(server).replace(":8815", f":{port}").replace("9464", "0").split()
    storage = {"NEURALAKE_STORAGE_ROOT": str(tmp_path / "data")}
    with Running(tuple(words[2:]), tmp_path, environment=storage) as writer:
        writer.wait_for("append", "ready")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(CLIENT.replace(":8815", f":{port}"), {})
        told = printed.getvalue().strip()
        assert f"print(answer)  # {told}" in CLIENT
        assert writer.terminate() == 0

    said = without_figures(run(status))
    for line in status.splitlines()[1:]:
        assert without_figures(line).replace("/home/me", str(tmp_path)) in said

    words = typed(beyond).replace("0.0.0.0:8815", "0.0.0.0:0").split()
    assert [path.name for path in certificate] == ["cert.pem", "key.pem"]
    token = storage | {"NEURALAKE_WRITER_TOKEN": "t"}
    with Running(tuple(words[2:]), tmp_path, environment=token) as writer:
        address = writer.wait_for("append", "ready")["address"]
        assert address.startswith("grpc+tls://0.0.0.0:")
        assert writer.terminate() == 0
