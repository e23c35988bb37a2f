"""Packs the small files of a table into larger ones, beside whoever appends to it.

The rows stay as they are: one entry of the log removes the packed files and adds what holds their
rows, with ``dataChange: false``. Appends do not conflict with it, nor it with appends: after a lost
race the entries that were missed are read, a bin of which somebody removed a file is given up, and
the others are tried again. Source: Delta Transaction Log Protocol, "Add File and Remove File".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING

from neuralake.delta.commit import Clock, Committed, DeadlineError, UncommittedError, commit
from neuralake.delta.features import RefusedFeatureError, check_rearrangeable
from neuralake.delta.live import LiveFiles
from neuralake.delta.live_file import Key, LiveFile
from neuralake.delta.log import NotATableError
from neuralake.delta.place import open_store
from neuralake.delta.state import TableState
from neuralake.writer.bins import Bin, Packing, is_candidate, plan
from neuralake.writer.committing import DEADLINE_S
from neuralake.writer.compaction import Compaction, CompactionEntry, OvertakenError
from neuralake.writer.errors import UnsupportedTableError, WriterDeadlineError
from neuralake.writer.layout import Layout
from neuralake.writer.repack import Packed, repack
from neuralake.writer.target import resolve
from neuralake.writer.told import told

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable


class Compactor:
    """Packs the small files of one table; one is enough, and several do no harm.

    Its memory is bounded by the small files that wait to be packed, and by the bytes of one bin.

    Parameters
    ----------
    table
        A table of the catalog, resolved, or the path or URI of one.
    packing
        When files are packed, and how much at once.
    storage_options
        Options of object_store that reach the table, before those of the environment, where
        ``table`` is a URI.
    deadline_s
        For how long a commit is tried when others are first.
    clock
        The time; a test has its own.

    Examples
    --------
    >>> compactor = Compactor("/data/events")
    >>> while (done := compactor.run_once()) is not None:
    ...     print(done.files_before, "files are", done.files_after, "now")
    """

    def __init__(
        self,
        table: DeltaTable | str,
        packing: Packing | None = None,
        *,
        storage_options: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
        clock: Clock = time,
    ) -> None:
        uri, self._options = resolve(table, storage_options)
        self._store = open_store(uri, self._options)
        self._packing = packing or Packing()
        self._deadline_s = deadline_s
        self._clock = clock
        self._live: LiveFiles | None = None
        self._candidates: dict[Key, LiveFile] = {}

    @property
    def files(self) -> Mapping[Key, LiveFile]:
        """The live files as they were last seen; none before the first run."""
        return {} if self._live is None else self._live.files

    @property
    def candidates(self) -> int:
        """Number of those that are small, or spoilt by deletions."""
        return len(self._candidates)

    def run_once(self) -> Compaction | None:
        """Pack what is worth it now, in one commit.

        Returns
        -------
        Compaction or None
            None if there was nothing to pack, or others changed all that was.

        Raises
        ------
        UnsupportedTableError
            If the table has a feature under which files cannot be packed rightly.
        WriterDeadlineError
            If others were first until the deadline.
        WriterError
            If there is no such table, or it cannot be read or written.
        """
        uri = self._store.uri
        with told(uri, f"{uri} cannot be compacted", self._options):
            return self._run_once()

    def run(
        self,
        stop: Event,
        every_s: float = 1.0,
        tell: Callable[[Compaction], None] | None = None,
    ) -> None:
        """Pack whatever is worth it until told to stop.

        Parameters
        ----------
        stop
            Ends it, after the commit that is under way.
        every_s
            Pause where there is nothing to do, in seconds.
        tell
            Called after each compaction.

        Raises
        ------
        WriterError
            As :meth:`run_once`; a lost race is none.
        """
        while not stop.is_set():
            try:
                done = self.run_once()
            except WriterDeadlineError:
                done = None
            if done is None:
                stop.wait(every_s)
            elif tell is not None:
                tell(done)

    def _run_once(self) -> Compaction | None:
        begin = time.perf_counter_ns()
        state = self._follow().state
        check_rearrangeable(state)
        bins = plan(self._candidates.values(), self._packing, self._now_ms())
        if not bins:
            return None
        planned = time.perf_counter_ns()
        layout = Layout.of(state.metadata)
        packed = self._pack(bins, layout)
        if packed is None:
            return None
        written = time.perf_counter_ns()
        entry = CompactionEntry(state, layout, packed, self._store.uri, self._now_ms)
        made = self._commit(state, entry)
        self._delete([each for each in packed if each not in entry.packed])
        if made is None:
            return None
        steps = planned - begin, written - planned, time.perf_counter_ns() - written
        return entry.compaction(made.state.version, made.attempts, steps)

    def _pack(self, bins: Sequence[Bin], layout: Layout) -> list[Packed] | None:
        """Write the files of some bins; None if a file of theirs was vacuumed meanwhile."""
        packed: list[Packed] = []
        try:
            for each in bins:
                done = repack(self._store, self._options, layout, each, self._now_ms())
                packed.append(done)  # what is written is known if the next one fails
        except Exception as error:
            self._delete(packed)
            if isinstance(error, FileNotFoundError):
                live = self._follow().files
                if any(file.key not in live for each in bins for file in each.files):
                    return None
            raise
        return packed

    def _commit(self, state: TableState, entry: CompactionEntry) -> Committed | None:
        """Commit what still holds; None if nothing does."""
        try:
            return commit(
                self._store,
                state,
                entry.prepare,
                entry.info,
                deadline=self._clock.monotonic() + self._deadline_s,
                clock=self._clock,
            )
        except OvertakenError:
            entry.packed = []
            return None
        except (
            DeadlineError,
            RefusedFeatureError,
            UnsupportedTableError,
            UncommittedError,
            NotATableError,
        ):
            self._delete(entry.packed)
            raise

    def _follow(self) -> LiveFiles:
        """The newest version; the candidates are those of its files that may be packed."""
        if self._live is None:
            self._live = LiveFiles(self._store)
            added: Sequence[LiveFile] = tuple(self._live.files.values())
        else:
            changes = self._live.follow()
            added = changes.added
            for file in changes.removed:
                self._candidates.pop(file.key, None)
        for file in added:
            if is_candidate(file, self._packing):
                self._candidates[file.key] = file
        return self._live

    def _delete(self, packed: Sequence[Packed]) -> None:
        """Delete files that will not be part of the table; what cannot be is left to vacuum."""
        try:
            self._store.delete([each.path for each in packed if each.path is not None])
        except OSError:
            return

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)
