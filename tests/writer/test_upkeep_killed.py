"""Compaction, upkeep and vacuum, killed at any moment, lose no row and leave no trace."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.writer import Writer
from neuralake.writer.vacuum import vacuum
from tests.more import few, often
from tests.writer.conftest import EVENTS, events
from tests.writer.reading import engines, mismatches
from tests.writer.test_compact import compact

KILLS = int(os.environ.get("KILLS", often(12, by_day=6)))
PROPERTIES = {
    "delta.checkpointInterval": "5",
    "delta.logRetentionDuration": "interval 0 seconds",
    "delta.deletedFileRetentionDuration": "interval 1 seconds",
}
# All that is done to a table, round and round, as fast as it goes
PROGRAM = """
import sys
from neuralake.writer import Compactor, Packing, Upkeep, Vacuum
path = sys.argv[1]
compactor = Compactor(path, Packing(min_files=2, settled_s=0))
upkeep, vacuum = Upkeep(path), Vacuum(path)
print("ready", flush=True)
while True:
    compactor.run_once()
    upkeep.run_once()
    vacuum.keep_up(0.2)
"""


class Keeper:
    """A process that keeps a table, until it is killed."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, path], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> int:
        """End it at once; its exit status."""
        self._process.kill()
        status = self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status


@pytest.mark.parametrize("partition_by", few([[], ["device"]]))
def test_killed_at_random_moments(make_table: Callable[..., str], partition_by: list[str]) -> None:
    path = make_table(partition_by=partition_by, configuration=PROPERTIES)
    draw = random.Random(KILLS)
    sent: list[pa.Table] = []
    for _ in range(max(1, KILLS // 2)):
        keeper = Keeper(path)
        end = time.monotonic() + draw.uniform(0.05, 0.6)
        try:
            with Writer(path) as writer:
                while not sent or time.monotonic() < end:
                    batch = events(10 * len(sent))
                    writer.append(batch)
                    sent.append(batch)
        finally:
            status = keeper.kill()
        assert status == -signal.SIGKILL  # and did not end of itself
        known = LiveFiles(DiskStore(path))
        assert sum(file.rows or 0 for file in known.files.values()) == 10 * len(sent)
    assert known.state.version > len(sent)  # something was packed
    assert list((Path(path) / "_delta_log").glob("*.checkpoint.parquet"))
    expected = pa.concat_tables(sent)
    with engines() as readers:
        assert not mismatches(path, expected, readers)
        compact(path)
        for file in Path(path).rglob("*"):
            if file.is_file():
                os.utime(file, (1, 1))
        time.sleep(1.1)  # the retention of this table
        vacuum(path)
        assert not mismatches(path, expected, readers)
    table = LiveFiles(DiskStore(path))
    data = {f for f in Path(path).rglob("*") if f.is_file() and "_delta_log" not in f.parts}
    assert {str(f.relative_to(path)) for f in data} == {f.place for f in table.files.values()}
    assert not list((Path(path) / "_delta_log").glob(".*"))
    assert pa.schema(deltalake.DeltaTable(path).schema().to_arrow()).names == EVENTS.names
