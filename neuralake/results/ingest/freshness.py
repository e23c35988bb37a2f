"""When readers saw what was written: from the moment that a batch was due, as an interval.

The row was not there in the answer before, and was in this one: it came in sight somewhere between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.ingest.records import Case, IngestRun, Round
from neuralake.results.parts import read_part
from neuralake.stats.percentiles import percentiles


@dataclass(frozen=True)
class FreshLine:
    """One case and one reader, all rounds together.

    Attributes
    ----------
    case, rate, reader
        Who wrote, at what rate, and who read.
    status
        ``ok``, or why there are no numbers, as of
        :class:`neuralake.results.ingest.summary.Line`.
    batches, unseen
        That were acknowledged; of them those that the reader never saw, which count as infinite.
    polls, failed_polls
        Queries that were answered, and that raised.
    apart_ms
        Median time from one answer to the next: about the width of an interval.
    least_ms, most_ms
        Percentiles of the lower and of the upper ends of the intervals: that of when the batches
        came in sight lies between.
    """

    case: Case
    rate: float | None
    reader: str
    status: str
    batches: int = 0
    unseen: int = 0
    polls: int = 0
    failed_polls: int = 0
    apart_ms: float | None = None
    least_ms: Mapping[str, float] = field(default_factory=dict)
    most_ms: Mapping[str, float] = field(default_factory=dict)


def fresh_lines(run: IngestRun, directory: Path) -> tuple[FreshLine, ...]:
    """A line for each case and reader, in their order.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.
    """
    grouped: dict[tuple[str, Case, float | None], list[Round]] = {}
    for found in run.rounds:
        key = found.key
        if key.reader is not None:
            grouped.setdefault((key.reader, key.case, key.rate), []).append(found)
    order = {case: number for number, case in enumerate(run.header.cases)}
    named = sorted(grouped, key=lambda k: (order[k[1]], run.header.freshness.readers.index(k[0])))
    return tuple(_line(run, directory, key, grouped[key]) for key in named)


def _line(
    run: IngestRun,
    directory: Path,
    key: tuple[str, Case, float | None],
    rounds: Sequence[Round],
) -> FreshLine:
    reader, case, rate = key
    bad = ["wrong" for found in rounds if found.key in run.wrong]
    bad += [found.status for found in rounds if found.status != "ok"]
    if bad:
        return FreshLine(case, rate, reader, bad[0])
    ends = [_intervals(found, directory) for found in rounds]
    least = np.concatenate([low for low, _ in ends])
    most = np.concatenate([high for _, high in ends])
    batches = sum(found.commits for found in rounds)
    unseen = batches - least.size
    apart = [found.apart_ns for found in rounds if found.apart_ns is not None]
    return FreshLine(
        case=case,
        rate=rate,
        reader=reader,
        status="ok",
        batches=batches,
        unseen=unseen,
        polls=sum(found.polls or 0 for found in rounds),
        failed_polls=sum(found.failed_polls or 0 for found in rounds),
        apart_ms=float(np.median(apart)) / 1e6 if apart else None,
        least_ms=percentiles(least, unended=unseen),
        most_ms=percentiles(most, unended=unseen),
    )


Ends = tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]


def _intervals(found: Round, directory: Path) -> Ends:
    """Both ends of the interval of each acknowledged batch that was seen, in milliseconds."""
    if found.sightings is None:
        return np.array([]), np.array([])
    commits = pa.concat_tables([read_part(directory, part) for part in found.parts])
    kept = commits.filter(pc.and_(commits["is_acknowledged"], pc.invert(commits["is_warm_up"])))
    seen = read_part(directory, found.sightings)
    both = kept.select(["batch", "intended_ns"]).join(seen, "batch", join_type="inner")
    intended = both["intended_ns"].to_numpy().astype(float)
    # without an answer before, it may have been in sight at once; never before it was due
    before = pc.coalesce(both["without_ns"], both["intended_ns"]).to_numpy().astype(float)
    least = np.maximum(before - intended, 0.0) / 1e6
    most = (both["with_ns"].to_numpy().astype(float) - intended) / 1e6
    return least, most
