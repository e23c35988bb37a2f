"""``neuralake pipeline`` as its users run it: broker, writer, table and API, from start to end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import Cli, cli_environment, is_gone

CATALOG = """
import pyarrow as pa
from neuralake.catalog import Column, DeltaTable, table

readings = DeltaTable(
    name="readings",
    location="readings",
    columns=(Column("n", pa.int64()), Column("s", pa.string())),
)

@table
def numbers():
    return pa.table({"n": [1]})
"""
WORDS = (sys.executable, "-m", "neuralake", "pipeline", "--rate", "500")
KAFKA = "kafka://127.0.0.1:9/readings"


def children_of(pid: int) -> list[int]:
    """Processes below one, its own children and theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child, *children_of(child)]
    return found


def lines_of(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_each_event_goes_the_whole_way_once(tmp_path: Path) -> None:
    """Until Ctrl-C. An API that is killed comes back."""
    environment = cli_environment(tmp_path / "lake", tmp_path)
    with subprocess.Popen(
        [*WORDS, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        told: dict[str, Any] = {}
        killed = asked_to_end = False
        for told in lines_of(process):
            if "status" in told:
                break
            started = children_of(process.pid)
            if told["rows"] > 200 and not killed:
                killed = True
                (server,) = (p for p in started if "serve" in command_line_of(p))
                subprocess.run(["kill", "-9", str(server)], check=True)
            is_back = killed and told["restarts"] and told["age_p50_s"] is not None
            if is_back and not asked_to_end:
                asked_to_end = True
                process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        words_said = process.stderr.read()
        assert process.wait(60) == 0, words_said
    assert "the API was killed by signal 9; it is started again" in words_said
    sent = told["produced"]["sent"]
    assert told["found"] == {"rows": sent, "ids": sent * (sent - 1) // 2}
    assert told["figures"]["restarts"] == 1
    assert all(is_gone(pid) for pid in started)


@pytest.mark.more  # a pipeline whose table is there already, which takes another's way
def test_a_second_one_goes_on_with_the_table_and_ends_by_its_time(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    for _ in range(2):
        done = subprocess.run(
            [*WORDS, "--duration", "1s"],
            capture_output=True,
            text=True,
            env=cli_environment(root, tmp_path),
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "each of 500 events is answered once"
    numbers = pl.read_delta(str(root / "pipeline" / "events"))["id"].value_counts().sort("id")
    assert numbers["id"].to_list() == list(range(500))
    assert set(numbers["count"]) == {2}


def command_line_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("readings --catalog catalog.py", "TABLE and --from go together"),
        (f"--from {KAFKA}", "TABLE and --from go together"),
        (f"readings --from {KAFKA}", "TABLE goes with --catalog"),
        (f"nothing --catalog catalog.py --from {KAFKA}", "no table nothing"),
        (f"numbers --catalog catalog.py --from {KAFKA}", "which is not written"),
        ("readings --catalog catalog.py --from stdin:arrow", "expected kafka://HOST:PORT/TOPIC"),
        ("readings --catalog catalog.py --from http://x", "no source 'http://x'"),
        (f"readings --catalog catalog.py --from {KAFKA} --moment at", "it has n, s"),
        ("--rate 0", "expected more than 0"),
        ("--rate nan", "nan"),
        ("--duration 5x", "5x"),
        ("--moment nothing", "no such column"),
        ("--partitions 0", "0"),
        ("--listen nowhere", "'nowhere' is no address"),
        ("--listen 0.0.0.0:0", "expected an address of this machine alone"),
    ],
    ids=lambda text: text[:40],
)
def test_what_cannot_be_is_said_in_a_line(
    typed: Cli, tmp_path: Path, arguments: str, reason: str
) -> None:
    (tmp_path / "catalog.py").write_text(CATALOG)
    environment = {"NEURALAKE_STORAGE_ROOT": str(tmp_path / "lake")}
    done = typed("pipeline", *arguments.split(), environment=environment)
    assert done.returncode == 2
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "lake").exists()


def test_a_port_in_use_is_said_in_a_line(typed: Cli, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = typed("pipeline", "--listen", address)
    assert done.returncode == 2
    assert address in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_broker_everything_is_ended_again(typed: Cli, tmp_path: Path) -> None:
    (tmp_path / "catalog.py").write_text(CATALOG)
    arguments = ["readings", "--catalog", "catalog.py", "--from", KAFKA]
    before = children_of(os.getpid())
    done = typed(
        "pipeline", *arguments, environment={"NEURALAKE_STORAGE_ROOT": str(tmp_path / "lake")}
    )
    assert done.returncode == 2, done.stderr
    assert "127.0.0.1:9" in done.stderr.splitlines()[-1]
    assert {*children_of(os.getpid())} <= {*before}
