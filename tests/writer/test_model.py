"""Any order of appends, compactions, deletes, checkpoints, vacuums and crashes keeps the rows.

A crash is an exception that the code under test does not expect, raised where a process could die:
before or after a file is there. Whoever was at work is gone then, and a new one takes over.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import deltalake
import polars as pl
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.log import entry_version
from neuralake.delta.state import load_state
from neuralake.writer import Compactor, Upkeep, Vacuum, Writer
from neuralake.writer.bins import Packing
from tests.more import drawn
from tests.writer.conftest import put_store

KIND = pa.schema([("id", pa.int64()), ("k", pa.string())])
APPLICATIONS = ("a", "b")
OLD_S = 7200


class CrashError(BaseException):
    """The process is gone."""


class MortalStore(DiskStore):
    """A store in which a process dies at its n-th call that changes something."""

    def __init__(self, path: str, calls: int, is_done: bool) -> None:
        super().__init__(path)
        self._calls = calls
        self._is_done = is_done

    def _die(self, *, after: bool) -> None:
        if after:
            self._calls -= 1
        if self._calls == 0 and self._is_done is after:
            self._calls = -1
            raise CrashError

    def create(self, path: str, content: bytes, ready: Callable[[], None] | None = None) -> None:
        self._die(after=False)
        super().create(path, content, ready)
        self._die(after=True)

    def begin(self, path: str, content: bytes) -> Callable[[], None]:
        self._die(after=False)
        finish = super().begin(path, content)
        self._die(after=True)
        return finish

    def delete(self, paths: Sequence[str]) -> None:
        self._die(after=False)
        super().delete(paths[:1])
        self._die(after=True)
        super().delete(paths[1:])


class Table(RuleBasedStateMachine):
    """A table, and what must be in it."""

    partition_by: ClassVar[list[str]] = []

    @initialize()
    def begin(self) -> None:
        self.root = tempfile.mkdtemp(prefix="neuralake-model-")
        self.path = str(Path(self.root) / "t")
        deltalake.DeltaTable.create(self.path, KIND, partition_by=self.partition_by)
        self.rows: Counter[tuple[int, str]] = Counter()
        self.next_id = 0
        self.sequences = dict.fromkeys(APPLICATIONS, -1)
        self.writers = [Writer(self.path) for _ in range(2)]

    @rule(
        who=st.integers(0, 1),
        application=st.sampled_from(APPLICATIONS),
        count=st.integers(0, 4),
        is_repeated=st.booleans(),
    )
    def append(self, who: int, application: str, count: int, is_repeated: bool) -> None:
        is_repeated = is_repeated and self.sequences[application] >= 0
        sequence = self.sequences[application] + (not is_repeated)
        batch, rows = self._batch(count)
        done = self.writers[who].append(batch, application=application, sequence=sequence)
        assert done.is_repeated == is_repeated
        if not done.is_repeated:
            self.rows.update(rows)
            self.sequences[application] = sequence

    @rule(
        who=st.integers(0, 1),
        application=st.sampled_from(APPLICATIONS),
        calls=st.integers(0, 1),
        is_done=st.booleans(),
    )
    def append_and_die(self, who: int, application: str, calls: int, is_done: bool) -> None:
        sequence = self.sequences[application] + 1
        batch, rows = self._batch(2)
        writer = self.writers[who]
        put_store(writer, MortalStore(self.path, calls + is_done, is_done))
        with suppress(CrashError):
            writer.append(batch, application=application, sequence=sequence)
        known = load_state(self.store()).transactions.get(application)
        is_there = known is not None and known.version == sequence
        self.writers[who] = Writer(self.path)
        again = self.writers[who].append(batch, application=application, sequence=sequence)
        assert again.is_repeated == is_there
        self.rows.update(rows)
        self.sequences[application] = sequence

    @rule(calls=st.integers(0, 3), is_done=st.booleans(), dies=st.booleans())
    def compact(self, calls: int, is_done: bool, dies: bool) -> None:
        compactor = Compactor(self.path, packing=Packing(min_files=2))
        if dies:
            compactor._store = MortalStore(self.path, calls + is_done, is_done)
        try:
            compactor.run_once()
        except CrashError:
            assert dies

    @rule(part=st.integers(0, 3))
    def delete_by_deltalake(self, part: int) -> None:
        deltalake.DeltaTable(self.path).delete(f"id % 4 = {part}")
        for row in list(self.rows):
            if row[0] % 4 == part:
                del self.rows[row]

    @rule()
    def compact_by_deltalake(self) -> None:
        deltalake.DeltaTable(self.path).optimize.compact()

    @rule()
    def checkpoint(self) -> None:
        deltalake.DeltaTable(self.path).create_checkpoint()

    @rule()
    def clean_up(self) -> None:
        Upkeep(self.path).run_once()

    @rule(is_old=st.booleans())
    def vacuum(self, is_old: bool) -> None:
        if is_old:
            self._age()
        Vacuum(self.path, retention_s=0, is_forced=True).run_once()
        if is_old:
            live = set(LiveFiles(self.store()).files)
            there = {s.path for s in self.store().list() if s.path.endswith(".parquet")}
            data = {p for p in there if not p.startswith("_delta_log/")}
            assert len(data) == len(live)

    @rule(who=st.integers(0, 1))
    def restart(self, who: int) -> None:
        self.writers[who].close()
        self.writers[who] = Writer(self.path)

    @invariant()
    def the_rows_are_there(self) -> None:
        if not hasattr(self, "path"):
            return
        found = pl.scan_delta(self.path).collect()
        assert Counter(found.select("id", "k").rows()) == self.rows

    @invariant()
    def the_log_has_no_gap(self) -> None:
        if not hasattr(self, "path"):
            return
        entries = [entry_version(s.path) for s in self.store().list("_delta_log/")]
        versions = [version for version in entries if version is not None]
        assert versions == list(range(versions[0], versions[-1] + 1))
        assert deltalake.DeltaTable(self.path).version() == versions[-1]

    def teardown(self) -> None:
        if hasattr(self, "root"):
            for writer in self.writers:
                writer.close()
            shutil.rmtree(self.root)

    def store(self) -> DiskStore:
        return DiskStore(self.path)

    def _batch(self, count: int) -> tuple[pa.Table, list[tuple[int, str]]]:
        rows = [(self.next_id + i, "xy"[(self.next_id + i) % 2]) for i in range(count)]
        self.next_id += count
        ids, keys = [row[0] for row in rows], [row[1] for row in rows]
        return pa.table({"id": ids, "k": keys}, KIND), rows

    def _age(self) -> None:
        """Make everything old, so that what a crash left behind is nobody's at work."""
        for stored in self.store().list():
            place = Path(self.path) / stored.path
            then = place.stat().st_mtime - OLD_S
            os.utime(place, (then, then))


class Partitioned(Table):
    """The same with partitions, of which a batch makes several files."""

    partition_by: ClassVar[list[str]] = ["k"]


EXAMPLES = settings(max_examples=drawn(12), stateful_step_count=20)
TestTable = Table.TestCase
TestTable.settings = EXAMPLES
TestPartitioned = Partitioned.TestCase
TestPartitioned.settings = EXAMPLES
