"""The supervisor: what dies is started again, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from pyarrow import flight

from tests.conftest import is_gone
from tests.more import few
from tests.writer.conftest import EVENTS as SCHEMA
from tests.writer.running import EVENTS, Running, answers, numbered

ROLES = ("append", "compact", "vacuum")
Make = Callable[..., str]


def serve(table: str, directory: Path, *more: object) -> Running:
    return Running((table, "--from", "flight://127.0.0.1:0", *more), directory)


def ready(run: Running) -> str:
    """All three are at work; the address of the first."""
    for role in ROLES[1:]:
        run.wait_for(role, "ready")
    return str(run.wait_for("append", "ready")["address"])


def send(address: str, sequence: int) -> dict[str, Any]:
    batch = pa.record_batch({"id": [sequence], "device": ["rig"], "value": [0.5]}, SCHEMA)
    with flight.connect(address) as client:
        writer, reader = client.do_put(EVENTS, SCHEMA)
        writer.write_with_metadata(batch, numbered("rig", sequence))
        writer.done_writing()
        (told,) = answers(reader)
        writer.close()
    return told


def test_what_died_is_started_again_and_its_end_is_told(make_table: Make, tmp_path: Path) -> None:
    table = make_table(SCHEMA)
    with serve(table, tmp_path) as run:
        address = ready(run)
        send(address, 1)
        for role in ROLES:
            pid = run.pid(role)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            died = run.wait_for(role, "died")
            assert died["text"] == (
                f"{role} (process {pid}) was ended by SIGKILL; it is started again in 0.1 s"
            )
            assert run.wait_for(role, "started", times=2)["restarts"] == 1
            run.wait_for(role, "ready", times=2)
        assert run.wait_for("append", "ready", times=2)["address"] == address
        assert send(address, 1)["repeated"]
        assert not send(address, 2)["repeated"]
        assert run.terminate() == 0
    assert len(deltalake.DeltaTable(table).to_pyarrow_table()) == 2


def test_what_dies_again_and_again_ends_the_writer(make_table: Make, tmp_path: Path) -> None:
    with serve(make_table(SCHEMA), tmp_path, "--restarts", 2) as run:
        for time in (1, 2, 3):
            pid = run.wait_for("compact", "started", times=time)["pid"]
            os.kill(pid, signal.SIGKILL)
            run.wait_for("compact", "died", times=time)
        assert run.wait() == 70
        (line,) = run.errors.read_text().splitlines()
        assert line == (
            f"neuralake: compact (process {pid}) was ended by SIGKILL; it died 3 times within 60 s"
        )


@pytest.mark.parametrize("is_group", few([False, True]))
def test_nothing_outlives_the_supervisor(make_table: Make, tmp_path: Path, is_group: bool) -> None:
    with serve(make_table(SCHEMA), tmp_path) as run:
        address = ready(run)
        pids = [run.pid(role) for role in ROLES]
        with flight.connect(address) as client:
            writer, reader = client.do_put(EVENTS, SCHEMA)  # a client that stays
            batch = pa.record_batch({"id": [1], "device": ["rig"], "value": [0.5]}, SCHEMA)
            writer.write_batch(batch)
            reader.read()
            if is_group:
                run.kill_group()
            else:
                run.process.kill()
            assert all(is_gone(pid) for pid in pids if pid is not None)
            with pytest.raises(flight.FlightError):
                writer.close()


def test_appends_go_first_and_it_ends_although_a_client_keeps_its_stream_open(
    make_table: Make, tmp_path: Path
) -> None:
    """Upkeep has a lower priority, and leaves a processor to those that somebody waits for."""
    table = make_table(SCHEMA)
    with serve(table, tmp_path) as run:
        address = ready(run)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        found = {role: os.getpriority(os.PRIO_PROCESS, run.pid(role) or 0) for role in ROLES}
        assert found == {"append": own, "compact": min(own + 10, 19), "vacuum": min(own + 10, 19)}
        with flight.connect(address) as client:
            writer, reader = client.do_put(EVENTS, SCHEMA)
            batch = pa.record_batch({"id": [1], "device": ["rig"], "value": [0.5]}, SCHEMA)
            writer.write_batch(batch)
            reader.read()
            assert run.terminate() == 0
            with pytest.raises(flight.FlightError):
                writer.close()
    assert len(deltalake.DeltaTable(table).to_pyarrow_table()) == 1


def test_a_pipe_cannot_be_read_again(make_table: Make, tmp_path: Path) -> None:
    asked = (make_table(SCHEMA), "--from", "stdin:ndjson")
    with Running(asked, tmp_path, stdin=subprocess.PIPE) as run:
        run.wait_for("append", "ready")
        pid = run.pid("append")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert run.wait() == 70
        (line,) = run.errors.read_text().splitlines()
        assert line == (
            f"neuralake: append (process {pid}) was ended by SIGKILL; what it had read of standard "
            "input and not committed is lost"
        )
        assert run.process.stdin is not None
        run.process.stdin.close()


def test_a_fault_is_told_by_its_last_error(make_table: Make, tmp_path: Path) -> None:
    """Here the table's log is damaged under a process that is at work."""
    table = make_table(SCHEMA)
    with Running(("compact", table, "--compact-every", "20ms"), tmp_path) as run:
        run.wait_for("compact", "ready")
        (Path(table) / "_delta_log" / f"{1:020}.json").write_text("{")
        trouble = run.wait_for("compact", "trouble")
        assert f"{1:020}.json is not a log entry" in trouble["text"]
        assert run.terminate() == 0
