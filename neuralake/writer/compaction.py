"""The entry that a compaction makes, and what it then has done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from neuralake.delta.actions import ENGINE_INFO, Action, Add, Remove
from neuralake.delta.changes import BINS
from neuralake.delta.features import check_rearrangeable
from neuralake.delta.paths import placed
from neuralake.delta.state import TableState
from neuralake.writer.layout import Layout
from neuralake.writer.repack import Packed


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


class OvertakenError(Exception):
    """All bins were given up, or the table has changed so that its files are made otherwise."""


class CompactionEntry:
    """The entry of a compaction, as it holds after what others have committed meanwhile.

    Parameters
    ----------
    state
        Of the table, by which the bins were chosen.
    layout
        Of the files that were written.
    packed
        The bins, and the file of each.
    uri
        Of the table.
    now_ms
        Tells the time.

    Attributes
    ----------
    packed
        Those that hold still.
    info
        What the log says of the commit.
    """

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
            "engineInfo": ENGINE_INFO,
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
                raise OvertakenError
            missed = []
        self._version = state.version
        if any(a.protocol is not None or a.metaData is not None for a in missed):
            check_rearrangeable(state)
            if Layout.of(state.metadata) != self._layout:
                raise OvertakenError
        paths = (action.remove or action.add for action in missed)
        touched = {placed(self._uri, path.path) for path in paths if path is not None}
        self.packed = [each for each in self.packed if touched.isdisjoint(each.places)]
        if not self.packed:
            raise OvertakenError
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
