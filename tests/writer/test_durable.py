"""An append is durable when it returns: what is synced, in which order, and what is not named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import deltalake
import pytest

from neuralake.writer import Writer
from neuralake.writer.errors import WriterError
from tests.writer.conftest import events

Make = Callable[..., str]
TRACED = """
import sys
import pyarrow
from neuralake.writer import Writer
rows = pyarrow.table({"id": [1]})
with Writer(sys.argv[1]) as writer:
    writer.append(rows)
"""


def test_the_calls_that_make_a_commit_durable_are_in_their_order(make_table: Make) -> None:
    """File and its directory, beside them the entry; its name, its directory: no crash is a gap."""
    if (strace := shutil.which("strace")) is None:
        pytest.skip("no strace: make strace, or apt-get install strace")
    table = make_table()
    calls = "trace=openat,write,fsync,linkat"
    traced = [strace, "-f", "-y", "-e", calls, sys.executable, "-c", TRACED, table]
    done = subprocess.run(traced, capture_output=True, text=True, timeout=120, check=True)
    found: list[str] = []
    unfinished: dict[str, str] = {}  # by the thread whose call it is
    for line in done.stderr.splitlines():
        thread = line.split()[1] if line.startswith("[pid") else ""
        if "resumed>" in line and thread in unfinished:
            found.append(f"{unfinished.pop(thread)} done")
        elif f"<{table}" in line and (name := _call(line)):
            found.append(name)
            if "<unfinished" in line:
                unfinished[thread] = name
            else:
                found.append(f"{name} done")
    assert sorted(name for name in found if not name.endswith(" done")) == [
        *("link", "sync entry", "sync file", "sync log", "sync table", "write entry", "write file")
    ]
    for before, after in [
        *(("write file", "sync file"), ("sync file", "sync table"), ("sync table", "link")),
        *(("write entry", "sync entry"), ("sync entry", "link"), ("link", "sync log")),
    ]:
        assert found.index(f"{before} done") < found.index(after), found


def _call(line: str) -> str:
    """What a traced call does with what."""
    if "fsync(" in line:
        return "sync " + _kind(line)
    if "linkat(" in line:
        return "link"
    return "write " + _kind(line) if "write(" in line else ""


def _kind(line: str) -> str:
    """What the descriptor of a traced call is open on."""
    path = line.split("<", 1)[1].split(">", 1)[0]
    if path.endswith(".parquet"):
        return "file"
    if path.endswith("/_delta_log"):
        return "log"
    return "entry" if "/_delta_log/" in path else "table"


def test_the_entry_is_synced_beside_the_file_and_named_after_it(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table()
    log = Path(table, "_delta_log")
    entry_is_synced = threading.Event()
    seen: list[list[str]] = []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        if place.suffix == ".parquet":
            assert entry_is_synced.wait(60)  # for ever, if the entry came after the file
            seen.append([path.name for path in log.iterdir()])
        sync(descriptor)
        if place.parent == log:
            entry_is_synced.set()

    with Writer(table) as writer:
        monkeypatch.setattr(os, "fsync", fsync)
        commit = writer.append(events(0))
    assert commit.version == 1
    assert seen == [[f"{0:020d}.json"]]
    assert commit.steps.write_ns > 0
    assert commit.steps.commit_ns > 0


def test_a_file_that_is_not_synced_is_not_named(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it left behind, and the batch may come again."""
    table = make_table()
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".parquet":
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with Writer(table, "rig-7") as writer:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(WriterError, match=r"cannot be written: .*No space left on device"):
            writer.append(events(0), sequence=1)
        assert [path.name for path in Path(table).iterdir()] == ["_delta_log"]
        assert [path.name for path in Path(table, "_delta_log").iterdir()] == [f"{0:020d}.json"]
        monkeypatch.setattr(os, "fsync", sync)
        assert not writer.append(events(0), sequence=1).is_repeated
    assert deltalake.DeltaTable(table).to_pyarrow_table().num_rows == 10


def test_a_file_on_its_way_is_deleted_where_the_table_was_made_anew(make_table: Make) -> None:
    table = make_table()

    with Writer(table) as writer:
        shutil.rmtree(table)
        make_table()
        with pytest.raises(WriterError, match="made anew"):
            writer.append(events(0))
        assert [path.name for path in Path(table).iterdir()] == ["_delta_log"]
