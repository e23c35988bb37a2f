"""Many processes append to one table, beside compaction and vacuum, and no row is lost or twice.

    python -m benchmarks.writers.storm --commits 10000 --spark

Each process appends batches under an application of its own, in their order. Afterwards the log is
replayed, and at each of its versions the table must have just the rows of the batches that its
transactions name; then every engine counts and sums. Exit status 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import deltalake
import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.actions import Action
from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.log import entry_version, read_entry
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.writer import Compactor, Packing, Upkeep, Vacuum, Writer

SCHEMA = pa.schema([("id", pa.int64()), ("device", pa.string()), ("value", pa.float64())])
ENGINES = ("polars", "datafusion", "duckdb")
_APART = 10**12  # ids of two processes
_PAUSE_S = 0.05


def rows_of(sequence: int) -> int:
    """Rows of a batch: few, and not always as many."""
    return sequence % 5 + 1


def rows_until(sequence: int) -> int:
    """Rows of all batches up to one."""
    whole, rest = divmod(sequence + 1, 5)
    return 15 * whole + rest * (rest + 1) // 2


def batch_of(process: int, sequence: int) -> pa.Table:
    """A batch, from its numbers alone."""
    first = process * _APART + rows_until(sequence - 1)
    ids = range(first, first + rows_of(sequence))
    devices = [f"rig-{process}"] * len(ids)
    return pa.table({"id": list(ids), "device": devices, "value": [i / 2 for i in ids]}, SCHEMA)


def append(path: str, process: int, commits: int) -> None:
    """What one process does."""
    with Writer(path, f"rig-{process}", deadline_s=300.0) as writer:
        attempts = 0
        for sequence in range(commits):
            attempts += writer.append(batch_of(process, sequence), sequence=sequence).attempts
    print(f"process {process}: {commits} commits, {attempts} attempts")


def rearrange(path: str, kind: str) -> None:
    """Compact, or vacuum, until the process is ended."""
    if kind == "compact":
        compactor, upkeep = Compactor(path, packing=Packing(min_files=8)), Upkeep(path)
        while True:
            compactor.run_once()
            upkeep.run_once()
            time.sleep(_PAUSE_S)
    while True:
        Vacuum(path).run_once()
        time.sleep(_PAUSE_S)


def storm(path: str, processes: int, commits: int) -> float:
    """Run all of them; returns how many seconds the appends took."""
    deltalake.DeltaTable.create(path, SCHEMA)
    me = [sys.executable, "-m", "benchmarks.writers.storm", "--table", path]
    beside = [subprocess.Popen([*me, "--role", kind]) for kind in ("compact", "vacuum")]
    begin = time.perf_counter()
    each = commits // processes
    appending = [
        subprocess.Popen([*me, "--role", "append", "--process", str(n), "--commits", str(each)])
        for n in range(processes)
    ]
    statuses = [process.wait() for process in appending]
    elapsed_s = time.perf_counter() - begin
    died = [process.poll() for process in beside]
    for process in beside:
        process.terminate()
        process.wait()
    if any(statuses) or died != [None, None]:
        raise SystemExit(f"a process failed: append {statuses}, compact and vacuum {died}")
    return elapsed_s


class Replay:
    """The table as its log tells it, version by version."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.rows: dict[str, int] = {}
        self.written: dict[str, int] = {}

    def enter(self, action: Action) -> str | None:
        """Take an action; returns what is wrong with it."""
        if action.add is not None:
            self.rows[action.add.path] = json.loads(action.add.stats or "{}")["numRecords"]
            if not (self.path / action.add.path).exists():
                return f"{action.add.path} is not there"
        elif action.remove is not None:
            del self.rows[action.remove.path]
        elif action.txn is not None:
            before = self.written.get(action.txn.app_id, -1)
            self.written[action.txn.app_id] = action.txn.version
            if action.txn.version != before + 1:
                return f"{action.txn.app_id} goes from {before} to {action.txn.version}"
        return None

    def count(self) -> str | None:
        """What is wrong with the number of rows."""
        found, sent = sum(self.rows.values()), sum(map(rows_until, self.written.values()))
        return None if found == sent else f"{found} rows, and {sent} were sent"


def faults_in_log(path: str, commits: int) -> Iterator[str]:
    """What is wrong with a version of the table, by its log."""
    store = DiskStore(path)
    found = [entry_version(stored.path) for stored in store.list("_delta_log/")]
    versions = [version for version in found if version is not None]
    if versions != list(range(len(versions))):
        yield f"the log has a gap: {len(versions)} entries to version {versions[-1]}"
    replay = Replay(path)
    for version in versions:
        faults = [replay.enter(action) for action in read_entry(store, version) or ()]
        yield from (f"version {version}: {f}" for f in [*faults, replay.count()] if f is not None)
    if set(replay.rows) != {key[0] for key in LiveFiles(store).files}:
        yield "the files that are followed are not those that are replayed"
    if set(replay.written.values()) != {commits - 1}:
        yield f"not all batches are there: {replay.written}"


def faults_in_rows(
    path: str, processes: int, commits: int, engines: Sequence[str]
) -> Iterator[str]:
    """What an engine reads in place of what was sent."""
    each = rows_until(commits - 1)
    total = sum(n * _APART * each + each * (each - 1) // 2 for n in range(processes))
    expected = {"n": processes * each, "d": processes * each, "s": total}
    sql = "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d, CAST(SUM(id) AS BIGINT) AS s FROM t"
    for name in engines:
        options = {"memory": "1g", "delta_reader": "delta"} if name == "spark" else {}
        spec = EngineSpec(name, options)
        registry.prepare(spec)
        engine = registry.start(spec)
        session = engine.open({"t": DeltaTable(name="t", location=path)})
        (found,) = session.execute(sql).to_pylist()
        session.close()
        engine.close()
        print(f"{name}: {found}")
        if found != expected:
            yield f"{name} reads {found}, and {expected} was sent"
    last = deltalake.DeltaTable(path).version()
    for version in {*range(0, last, max(1, last // 20)), last}:
        table = DeltaTable(name="t", location=path, version=version)
        frame = table.lazy().collect()
        if frame.height != table.rows() or frame["id"].n_unique() != frame.height:
            yield f"version {version} has {frame.height} rows, and {table.rows()} by its log"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the storm, or one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=1000, help="of all processes")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--spark", action="store_true", help="Spark reads, too")
    parser.add_argument("--table", help=argparse.SUPPRESS)
    parser.add_argument("--role", choices=["append", "compact", "vacuum"], help=argparse.SUPPRESS)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.role == "append":
        append(asked.table, asked.process, asked.commits)
        return 0
    if asked.role is not None:
        rearrange(asked.table, asked.role)
        return 0
    with tempfile.TemporaryDirectory(prefix="neuralake-storm-") as root:
        path = str(Path(root) / "table")
        elapsed_s = storm(path, asked.processes, asked.commits)
        each = asked.commits // asked.processes
        engines = [*ENGINES, "spark"] if asked.spark else ENGINES
        found = [*faults_in_log(path, each), *faults_in_rows(path, asked.processes, each, engines)]
        files, state = LiveFiles(DiskStore(path)).files, deltalake.DeltaTable(path)
        print(
            f"{asked.processes} processes, {each * asked.processes} commits in {elapsed_s:.1f} s; "
            f"version {state.version()}, {len(files)} files at the end, {len(found)} faults"
        )
        for fault in found[:20]:
            print(f"fault: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
