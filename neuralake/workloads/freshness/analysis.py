"""From what was sent, committed and seen to how long it took: for each record, a block at a time.

All arithmetic is exact to the nanosecond. What is kept are counts by whole microseconds, lower ends
rounded down and upper ends up, so that an interval never gets narrower by being written down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.freshness.samples import (
    ANSWER_AGE,
    DURABLE,
    QUERY_FRESHNESS,
    TABLE_LEAST,
    TABLE_MOST,
    VISIBLE_LEAST,
    VISIBLE_MOST,
)
from neuralake.stats.distribution import Distribution
from neuralake.stats.sightings import NEVER, Reached, reached
from neuralake.workloads.freshness.moments import Moments, Records

BLOCK = 2**20
_US = 1000


class Analysis:
    """Distributions of a round, by measure and slice of the round; what is in no slice is left out.

    Parameters
    ----------
    records
        When each was due.
    batches, sightings, commits
        Samples.
    unsure_ns
        By how much later than it is told a version may have been to be seen of which the writer
        does not say when it was durable.
    block
        Records that are looked at at once, which bounds the memory.
    """

    def __init__(
        self,
        records: Records,
        batches: pa.Table,
        sightings: pa.Table,
        commits: pa.Table,
        unsure_ns: int,
        block: int = BLOCK,
    ) -> None:
        self._records, self._block = records, block
        self._counted: dict[str, dict[int, list[Distribution]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self.seen_early = 0
        committed = _committed(commits, records.producers, unsure_ns)
        for producer in range(records.producers):
            own = batches.filter(pc.equal(batches["producer"], producer))
            seen = sightings.filter(pc.equal(sightings["producer"], producer))
            self._of_producer(producer, own, seen, committed[producer])
        self._of_answers(sightings, committed)

    @property
    def distributions(self) -> Mapping[str, Mapping[int, Distribution]]:
        """By measure and slice."""
        return {
            measure: {
                number: Distribution.merged(parts) for number, parts in sorted(slices.items())
            }
            for measure, slices in self._counted.items()
        }

    def _of_producer(
        self, producer: int, batches: pa.Table, sightings: pa.Table, committed: Reached
    ) -> None:
        sent = _Batches(batches)
        seen = reached(_whole(sightings, "end"), _whole(sightings, "answered_ns"))
        for first in range(0, sent.count, self._block):
            end = min(first + self._block, sent.count)
            due = self._records.due_ns(producer, first, end)
            without, within = committed.intervals(first, end, 0)
            before, after = seen.intervals(first, end, 0)
            self.seen_early += int((after < due).sum())
            pieces = self._slices(due)
            for measure, moments, up in (
                (DURABLE, sent.acknowledged_ns(first, end), True),
                (TABLE_LEAST, without, False),
                (TABLE_MOST, within, True),
                (VISIBLE_LEAST, before, False),
                (VISIBLE_MOST, after, True),
            ):
                self._count(measure, pieces, moments, due, is_upper=up)

    def _of_answers(self, sightings: pa.Table, committed: list[Reached]) -> None:
        """Freshness of each query and age of each answer, by the first record that it lacks."""
        ordered = sightings.sort_by([("query", "ascending"), ("producer", "ascending")])
        shape = (-1, self._records.producers)
        asked, answered, ends = (
            _whole(ordered, name).reshape(shape) for name in ("asked_ns", "answered_ns", "end")
        )
        if not ends.size:
            return
        committed_ns = np.full(ends.shape, NEVER)
        due_ns = np.full(ends.shape, NEVER)
        for producer in range(self._records.producers):
            column = ends[:, producer]
            committed_ns[:, producer] = _first_after(committed[producer], column)
            due_ns[:, producer] = self._due(producer, column)
        asked, answered = asked[:, 0], answered[:, 0]
        first_ns, oldest_ns = committed_ns.min(axis=1), due_ns.min(axis=1)
        pieces = self._slices(asked)
        # HATtrick: the query's start less the commit of the first transaction that it did not see
        self._count(QUERY_FRESHNESS, pieces, asked, np.minimum(first_ns, asked), is_upper=True)
        self._count(ANSWER_AGE, pieces, answered, np.minimum(oldest_ns, answered), is_upper=True)

    def _slices(self, moments: Moments) -> npt.NDArray[np.int64]:
        """The slice of each moment; -1 in the warm-up and in pauses."""
        spans = self._records.spans
        return np.where(spans.is_beside(moments), spans.slices(moments), -1)

    def _due(self, producer: int, numbers: Moments) -> Moments:
        """When records were due; ``NEVER`` of numbers beyond the last one."""
        found = np.full(numbers.shape, NEVER)
        count = self._records.of_producer(producer)
        order = np.argsort(numbers, kind="stable")
        ordered = numbers[order]
        for first in range(0, count, self._block):
            end = min(first + self._block, count)
            low, high = np.searchsorted(ordered, (first, end))
            if low < high:
                moments = self._records.due_ns(producer, first, end)
                found[order[low:high]] = moments[ordered[low:high] - first]
        return found

    def _count(
        self,
        measure: str,
        slices: npt.NDArray[np.int64],
        ends_ns: Moments,
        begins_ns: Moments,
        *,
        is_upper: bool,
    ) -> None:
        """Count durations of a measure, in microseconds rounded outwards."""
        for number in np.unique(slices).tolist():
            if number < 0:
                continue
            own = slices == number
            ends, begins = ends_ns[own], begins_ns[own]
            ended = ends != NEVER
            took = np.maximum(ends[ended] - begins[ended], 0)
            values = -(-took // _US) if is_upper else took // _US
            never = int(ended.size - ended.sum())
            self._counted[measure][number].append(Distribution.of(values, never))


class _Batches:
    """When the records of one producer were acknowledged."""

    def __init__(self, batches: pa.Table) -> None:
        ordered = batches.sort_by("first_number")
        self._firsts = _whole(ordered, "first_number")
        self._acknowledged = _whole(ordered, "acknowledged_ns", absent=NEVER)
        self.count = int(_whole(ordered, "records").sum())

    def acknowledged_ns(self, first: int, end: int) -> Moments:
        places = np.searchsorted(self._firsts, np.arange(first, end), side="right") - 1
        found: Moments = self._acknowledged[places]
        return found


def _committed(commits: pa.Table, producers: int, unsure_ns: int) -> list[Reached]:
    """Up to where the versions of the table had the records of each producer."""
    named_ns = _whole(commits, "named_ns")
    durable_ns = _whole(commits, "durable_ns", absent=NEVER)
    # What is durable was to be seen; a tick of the kernel's clock may come late
    most_ns = np.where(durable_ns == NEVER, named_ns + unsure_ns, durable_ns)
    places: list[list[int]] = [[] for _ in range(producers)]
    ends: list[list[int]] = [[] for _ in range(producers)]
    for place, pairs in enumerate(commits["ends"].to_pylist()):
        for producer, end in pairs:
            if producer < producers:
                places[producer].append(place)
                ends[producer].append(end)
    least_ns = np.minimum(named_ns, most_ns)
    return [
        reached(own, least_ns[at], most_ns[at] - least_ns[at])
        for own, at in zip(ends, places, strict=True)
    ]


def _first_after(committed: Reached, ends: Moments) -> Moments:
    """When the first record beyond each end was committed: at the earliest, in doubt."""
    places = np.searchsorted(committed.ends, ends, side="right")
    known = places < committed.ends.size
    found = np.full(ends.shape, NEVER)
    found[known] = committed.before_ns[places[known]]
    return found


def _whole(table: pa.Table, name: str, absent: int = 0) -> Moments:
    column = pc.fill_null(table[name], absent)
    found: Moments = column.to_numpy().astype(np.int64)
    return found
