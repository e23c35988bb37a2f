"""The way of records into the table by stages, of all that came to the writer together.

The writer keeps when rows were received and how long each step took (``--timings``), the producers
when they sent which. Both count by the monotonic clock, which is the machine's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.freshness.samples import WAYS
from neuralake.workloads.freshness.commits import EndOf
from neuralake.workloads.freshness.moments import Moments, Records
from neuralake.writer.timings import Timing

_BLOCK = 2**20
_Sums = npt.NDArray[np.float64]


def ways(
    timings: Sequence[Timing],
    end_of: EndOf,
    records: Records,
    batches: pa.Table,
    start_ns: int,
) -> pa.Table:
    """The ways of a round's records, in the order of the schema ``WAYS``.

    Parameters
    ----------
    timings
        What the writer has kept.
    end_of
        As of :func:`neuralake.workloads.freshness.commits.commits_of`.
    records
        When each was due.
    batches
        What was sent when.
    start_ns
        Reading of the monotonic clock at the moment 0.
    """
    arrivals = _arrivals(timings, end_of)
    found = []
    for producer in range(records.producers):
        own = sorted((a for a in arrivals if a.producer == producer), key=lambda a: a.end)
        found += list(_of_producer(own, producer, records, batches, start_ns))
    columns = zip(*found, strict=True) if found else [()] * len(WAYS)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, WAYS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=WAYS)


def first_durable_ns(timings: Sequence[Timing], start_ns: int) -> Mapping[int, int]:
    """By version when its writer first knew that it is durable, from the moment 0 on."""
    found: dict[int, int] = {}
    for timing in timings:
        at_ns = timing.durable_ns - start_ns
        found[timing.version] = min(at_ns, found.get(timing.version, at_ns))
    return found


@dataclass(frozen=True)
class _Arrival:
    producer: int
    end: int  # up to where its records have come with it
    begun_ns: int
    decoded_ns: int
    timing: Timing


def _arrivals(timings: Sequence[Timing], end_of: EndOf) -> list[_Arrival]:
    found = []
    for timing in timings:
        for each in timing.arrivals:
            if timing.application is None or each.sequence is None:
                continue
            place = end_of(timing.application, each.sequence)
            if place is not None:
                found.append(_Arrival(*place, each.begun_ns, each.decoded_ns, timing))
    return found


def _of_producer(
    arrivals: list[_Arrival], producer: int, records: Records, batches: pa.Table, start_ns: int
) -> Iterator[tuple[object, ...]]:
    ends = np.array([arrival.end for arrival in arrivals], dtype=np.int64)
    due, sent, counts = _sums(ends, producer, records, batches)
    for arrival, due_ns, sent_ns, count in zip(arrivals, due, sent, counts, strict=True):
        if not count:
            continue
        timing = arrival.timing
        begun_ns = timing.durable_ns - timing.encode_ns - timing.write_ns - timing.commit_ns
        moments = (arrival.begun_ns, arrival.decoded_ns, timing.taken_ns, begun_ns)
        mean_due_ns, mean_sent_ns = round(due_ns / count), round(sent_ns / count)
        at = [mean_due_ns, mean_sent_ns, *(moment - start_ns for moment in moments)]
        yield (
            *(timing.version, producer, int(count), mean_due_ns),
            *(later - sooner for sooner, later in pairwise(at)),
            *(timing.encode_ns, timing.write_ns, timing.commit_ns),
            *(timing.worked_ns, timing.delayed_ns),
        )


def _sums(
    ends: Moments, producer: int, records: Records, batches: pa.Table
) -> tuple[_Sums, _Sums, Moments]:
    """Of the records of each arrival the sums of the moments at which they were due and sent."""
    own = batches.filter(pc.equal(batches["producer"], producer)).sort_by("first_number")
    firsts, sent_ns = (own[name].to_numpy() for name in ("first_number", "sent_ns"))
    due, sent = np.zeros(ends.size), np.zeros(ends.size)
    counts = np.zeros(ends.size, dtype=np.int64)
    known = int(min(ends[-1] if ends.size else 0, pc.sum(own["records"]).as_py() or 0))
    for first in range(0, known, _BLOCK):
        end = min(first + _BLOCK, known)
        numbers = np.arange(first, end)
        places = np.searchsorted(ends, numbers, side="right")
        moments = sent_ns[np.searchsorted(firsts, numbers, side="right") - 1]
        due += np.bincount(places, records.due_ns(producer, first, end), ends.size)
        sent += np.bincount(places, moments, ends.size)
        counts += np.bincount(places, minlength=ends.size)
    return due, sent, counts
