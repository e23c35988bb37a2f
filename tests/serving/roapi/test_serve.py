"""``neuralake serve --server roapi``: ROAPI behind our routes, and gone when we are."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.measure.process import process_tree
from tests.conftest import Cli, cli_environment, is_gone

CATALOG = """
from neuralake.catalog.tables import DeltaTable
orders = DeltaTable(name="orders", location="{place}")
pinned = DeltaTable(name="pinned", location="{place}", version=0)
"""


@dataclass(frozen=True)
class Served:
    """A server as the command starts it."""

    process: subprocess.Popen[str]
    url: str

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        request = urllib.request.Request(f"{self.url}{path}", body)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    rows = pa.table({"id": [2**60, 2], "x": [1.5, float("nan")]})
    deltalake.write_deltalake(str(tmp_path / "orders"), rows)
    place = tmp_path / "shop.py"
    place.write_text(CATALOG.format(place=tmp_path / "orders"))
    return place


@pytest.fixture
def served(declared: Path, tmp_path: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "neuralake", "serve", "--server", "roapi"]
    command += ["--catalog", str(declared), "--table", "orders", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=cli_environment(tmp_path, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        raise AssertionError(process.communicate()[1])
    yield Served(process, said.removeprefix("serving on ").strip())
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_it_answers_behind_our_routes_and_ends_with_us(served: Served, tmp_path: Path) -> None:
    status, body = served.ask("/api/sql", b"SELECT id, x FROM orders ORDER BY id")
    assert status == 200
    assert [row["id"] for row in json.loads(body, parse_float=str)] == [2, 2**60]
    assert b"NaN" in body  # which ROAPI's own JSON has as null
    assert served.ask("/api/tables/orders?where=id=2")[0] == 200
    place = tmp_path / "out.csv"
    status, body = served.ask("/api/sql", f"COPY orders TO '{place}'".encode())
    assert (status, place.exists()) == (403, False)
    # ROAPI's own routes, by which tables are registered and dropped, are not there
    for path in ("/api/table", "/api/tables/drop", "/api/graphql", "/api/kv/a/b", "/ui"):
        assert served.ask(path, b"{}")[0] in (404, 405)
    children = [pid for pid in process_tree(served.process.pid) if pid != served.process.pid]
    assert children
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait() == 0
    assert all(map(is_gone, children))


def test_killed_it_leaves_no_roapi(served: Served) -> None:
    children = [pid for pid in process_tree(served.process.pid) if pid != served.process.pid]
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait()
    assert children
    assert all(map(is_gone, children))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--server", "roapi"), "pinned: it is pinned to version 0"),
        (("--server", "roapi", "--table", "nowhere"), "no table nowhere"),
        (("--server", "roapi", "--hot-memory", "1GiB"), "--hot-memory goes with --server dataf"),
        (("--freshness", "reload"), "--freshness goes with --server roapi"),
        (("--server", "ropi"), "'datafusion', 'roapi'"),
    ],
)
def test_what_cannot_be_is_one_line(
    typed: Cli, declared: Path, options: tuple[str, ...], message: str
) -> None:
    done = typed("serve", "--catalog", str(declared), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
