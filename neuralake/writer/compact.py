"""Packs the small files of a table into larger ones, beside whoever appends to it.

The rows stay as they are: one entry of the log removes the packed files and adds what holds their
rows, with ``dataChange: false``. Appends do not conflict with it, nor it with appends: after a lost
race the entries that were missed are read, a bin of which somebody removed a file is given up, and
the others are tried again. Source: Delta Transaction Log Protocol, "Add File and Remove File".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from neuralake.delta.actions import Action, Add, Remove
from neuralake.delta.commit import Clock, Committed, DeadlineError, UncommittedError, commit
from neuralake.delta.features import RefusedFeatureError, check_rearrangeable
from neuralake.delta.live import BINS, Key, LiveFile, LiveFiles
from neuralake.delta.log import NotATableError
from neuralake.delta.paths import placed
from neuralake.delta.place import open_store
from neuralake.delta.state import TableState
from neuralake.storage import one_line
from neuralake.version import __version__
from neuralake.writer.bins import Bin, Packing, is_candidate, plan
from neuralake.writer.errors import UnsupportedTableError, WriterDeadlineError, WriterError
from neuralake.writer.layout import Layout
from neuralake.writer.repack import Packed, repack
from neuralake.writer.target import resolve

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable

DEADLINE_S = 30.0


@dataclass(frozen=True)
class Compaction:
    """What one compaction did.

    Attributes
    ----------
    version
        Of the table, from which on it holds.
    bins
        Number of bins, each packed into one file, or into none if no row of it was left.
    given_up
        Bins that were packed in vain: somebody else changed one of their files meanwhile.
    files_before, files_after
        Number of the files that were packed, and of those that hold their rows now.
    size_bytes_before, size_bytes_after
        Their sizes.
    rows
        Rows in the packed files.
    attempts
        Entries that were tried: one if no race was lost.
    plan_ns
        Following the log, and choosing the bins.
    pack_ns
        Reading, encoding and writing.
    commit_ns
        The log's entry, durable; lost races included.
    """

    version: int
    bins: int
    given_up: int
    files_before: int
    files_after: int
    size_bytes_before: int
    size_bytes_after: int
    rows: int
    attempts: int
    plan_ns: int
    pack_ns: int
    commit_ns: int


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
        try:
            return self._run_once()
        except (RefusedFeatureError, UnsupportedTableError) as error:
            raise UnsupportedTableError(f"{self._store.uri}: {error}") from error
        except DeadlineError as error:
            raise WriterDeadlineError(f"{self._store.uri}: {error}") from error
        except (OSError, ValueError) as error:
            raise WriterError(
                f"{self._store.uri} cannot be compacted: {one_line(error, self._options)}"
            ) from error

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
        entry = _Entry(state, layout, packed, self._store.uri, self._now_ms)
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

    def _commit(self, state: TableState, entry: _Entry) -> Committed | None:
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
        except _OvertakenError:
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


class _OvertakenError(Exception):
    """All bins were given up, or the table has changed so that its files are made otherwise."""


class _Entry:
    """The entry of a compaction, as it holds after what others have committed meanwhile."""

    def __init__(
        self,
        state: TableState,
        layout: Layout,
        packed: Sequence[Packed],
        uri: str,
        now_ms: Callable[[], int],
    ) -> None:
        self.packed = list(packed)
        self.info: dict[str, Any] = {
            "operation": "OPTIMIZE",
            "operationParameters": {"predicate": "[]", "zOrderBy": "[]", "auto": "false"},
            "readVersion": state.version,
            "isolationLevel": "SnapshotIsolation",
            "isBlindAppend": False,
            "engineInfo": f"neuralake/{__version__}",
        }
        self._version = state.version
        self._layout = layout
        self._all = len(packed)
        self._uri = uri
        self._now_ms = now_ms

    def prepare(self, state: TableState, missed: Sequence[Action] | None) -> list[Action]:
        """The actions to commit upon a state."""
        if missed is None:
            if state.version != self._version:  # nobody knows what was removed
                raise _OvertakenError
            missed = []
        self._version = state.version
        if any(a.protocol is not None or a.metaData is not None for a in missed):
            check_rearrangeable(state)
            if Layout.of(state.metadata) != self._layout:
                raise _OvertakenError
        paths = (action.remove or action.add for action in missed)
        touched = {placed(self._uri, path.path) for path in paths if path is not None}
        self.packed = [each for each in self.packed if touched.isdisjoint(each.places)]
        if not self.packed:
            raise _OvertakenError
        self.info["operationMetrics"] = self._metrics()
        self.info[BINS] = [[len(p.bin.files), int(p.add is not None)] for p in self.packed]
        now_ms = self._now_ms()
        removes = (
            Action(remove=_remove(file.add, now_ms))
            for each in self.packed
            for file in each.bin.files
        )
        adds = (Action(add=add) for add in self._after())
        return [*removes, *adds]

    def compaction(self, version: int, attempts: int, steps: tuple[int, int, int]) -> Compaction:
        """What the entry did, once it was made."""
        before, after = list(self._before()), list(self._after())
        return Compaction(
            version=version,
            bins=len(self.packed),
            given_up=self._all - len(self.packed),
            files_before=len(before),
            files_after=len(after),
            size_bytes_before=sum(add.size for add in before),
            size_bytes_after=sum(add.size for add in after),
            rows=sum(each.rows for each in self.packed),
            attempts=attempts,
            plan_ns=steps[0],
            pack_ns=steps[1],
            commit_ns=steps[2],
        )

    def _metrics(self) -> dict[str, str]:
        """Under the names that others use, as text."""
        before, after = list(self._before()), list(self._after())
        numbers = {
            "numRemovedFiles": len(before),
            "numRemovedBytes": sum(add.size for add in before),
            "numAddedFiles": len(after),
            "numAddedBytes": sum(add.size for add in after),
        }
        return {name: str(number) for name, number in numbers.items()}

    def _before(self) -> Iterator[Add]:
        return (file.add for each in self.packed for file in each.bin.files)

    def _after(self) -> Iterator[Add]:
        return (each.add for each in self.packed if each.add is not None)


def _remove(add: Add, now_ms: int) -> Remove:
    """The action that takes a packed file out of the table."""
    return Remove(
        path=add.path,
        data_change=False,
        deletion_timestamp=now_ms,
        extended_file_metadata=True,
        partition_values=add.partition_values,
        size=add.size,
        tags=add.tags,
        deletion_vector=add.deletion_vector,
    )
