"""A run of ingest in numbers: a line for each case and rate, and its ratio to the disk's limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.ingest.freshness import FreshLine, fresh_lines
from neuralake.results.ingest.records import DISK, Case, IngestRun, Key, Round
from neuralake.results.parts import read_part
from neuralake.results.plain import without_infinity
from neuralake.stats.percentiles import LEVELS, percentiles
from neuralake.stats.ratio import Ratio
from neuralake.stats.rounds import drift, paired_ratio
from neuralake.stats.summary import Interval

Array = npt.NDArray[np.float64]
STEPS = ("wait", "conform", "encode", "write", "commit")
_MOST_AT_AN_END = 1000
_LATE_NS = 1_000_000  # the kernel wakes up a sleeper some tens of microseconds late


@dataclass(frozen=True)
class Line:
    """One case at one rate, all its rounds together.

    Attributes
    ----------
    case, rate
        What was measured.
    status
        ``ok``; ``wrong`` where a table did not hold what was acknowledged; or why a round did not
        come to its end. Any round that is not ``ok`` decides, and there are no latencies then.
    rounds
        That came to their end.
    commits, rows, failed, unstarted, late
        Batches that were acknowledged, and their rows; whose append raised; that were due and
        never begun; that a producer came to more than a millisecond after they were due.
    percentiles_ms
        Latency by level, those that there are samples enough for; infinite where it lies among the
        batches that failed or were never begun.
    by_round_ms
        The same of each round alone, by level.
    slowest_ms
        The longest latency of a batch that was acknowledged.
    rows_per_s
        Acknowledged rows by elapsed time, of each round.
    bytes_per_s
        Written bytes by elapsed time over all rounds, where the contestant tells.
    cpu_us_a_row
        Processor time by rows, in microseconds.
    peak_rss_bytes
        The greatest of any round.
    to_limit
        By level: ratio to the disk's own limit, paired by rounds.
    drift
        Median of the last ÷ median of the first commits of a round, of the longest one.
    drift_ends
        How many commits are the first and the last.
    first_ms, last_ms
        Their medians.
    steps_ms
        Median of each step of a commit, where the contestant tells.
    appends_a_commit
        Batches that shared a commit, on average, where the contestant tells.
    open_ms
        Longest time in which a reader opened a table at its end.
    """

    case: Case
    rate: float | None
    status: str
    rounds: int = 0
    commits: int = 0
    rows: int = 0
    failed: int = 0
    unstarted: int = 0
    late: int = 0
    percentiles_ms: Mapping[str, float] = field(default_factory=dict)
    by_round_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    slowest_ms: float | None = None
    rows_per_s: tuple[float, ...] = ()
    bytes_per_s: float | None = None
    cpu_us_a_row: float | None = None
    peak_rss_bytes: int | None = None
    to_limit: Mapping[str, Interval] = field(default_factory=dict)
    drift: Ratio | None = None
    drift_ends: int = 0
    first_ms: float | None = None
    last_ms: float | None = None
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    appends_a_commit: float | None = None
    open_ms: float | None = None


@dataclass(frozen=True)
class RoundSamples:
    """The samples of a round that count, in the order in which their appends were done.

    Attributes
    ----------
    found
        The round.
    commits
        Acknowledged batches, without those of the warm-up.
    latency_ms, late_ns
        Of each of them.
    """

    found: Round
    commits: pa.Table
    latency_ms: Array
    late_ns: Array

    @property
    def unended(self) -> int:
        """Batches that have no latency, and are slower than any that has."""
        return self.found.failed + self.found.unstarted


@dataclass(frozen=True)
class IngestSummary:
    """A run in numbers.

    Attributes
    ----------
    lines
        Of rounds without a reader, by rate and then in the order of the cases.
    samples
        Of those rounds.
    fresh
        Of rounds with a reader.
    """

    lines: tuple[Line, ...]
    samples: Mapping[Key, RoundSamples]
    fresh: tuple[FreshLine, ...] = ()

    def document(self, run: IngestRun) -> dict[str, object]:
        """Run and numbers, for ``--json``: what is infinite is ``"never"``, since JSON has none."""
        lines = without_infinity([asdict(line) for line in self.lines])
        fresh = without_infinity([asdict(line) for line in self.fresh])
        return {"run": asdict(run), "lines": lines, "freshness": fresh}

    def samples_of(self, line: Line) -> list[RoundSamples]:
        """Samples of a line's rounds, in their order."""
        return [
            s
            for key, s in self.samples.items()
            if (key.case, key.rate) == (line.case, line.rate) and s.found.status == "ok"
        ]


def summarise_ingest(run: IngestRun, directory: Path) -> IngestSummary:
    """The numbers of a run.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.

    Raises
    ------
    ResultsError
        If a part file is absent or damaged.
    """
    samples = {
        found.key: read_round(found, directory) for found in run.rounds if found.key.reader is None
    }
    rates: Sequence[float | None] = run.header.load.rates or (None,)
    lines = []
    for rate in rates:
        limit = {
            key.round: s
            for key, s in samples.items()
            if key.case.contestant == DISK and key.rate == rate and s.found.status == "ok"
        }
        for case in run.header.cases:
            own = [s for key, s in samples.items() if (key.case, key.rate) == (case, rate)]
            if own:
                lines.append(_line(run, case, rate, own, limit))
    return IngestSummary(tuple(lines), samples, fresh_lines(run, directory))


def read_round(found: Round, directory: Path) -> RoundSamples:
    """The samples of a round."""
    tables = [read_part(directory, part) for part in found.parts]
    if not tables:
        nothing = np.array([], dtype=float)
        return RoundSamples(found, pa.table({}), nothing, nothing)
    every = pa.concat_tables(tables)
    kept = every.filter(pc.and_(every["is_acknowledged"], pc.invert(every["is_warm_up"])))
    kept = kept.sort_by("done_ns")
    intended, started, done = (
        kept[name].to_numpy().astype(float) for name in ("intended_ns", "started_ns", "done_ns")
    )
    return RoundSamples(found, kept, (done - intended) / 1e6, started - intended)


def _line(
    run: IngestRun,
    case: Case,
    rate: float | None,
    own: Sequence[RoundSamples],
    limit: Mapping[int, RoundSamples],
) -> Line:
    bad = ["wrong" for s in own if s.found.key in run.wrong]
    bad += [s.found.status for s in own if s.found.status != "ok"]
    if bad:
        return Line(case, rate, bad[0], rounds=sum(s.found.status == "ok" for s in own))
    latencies = np.concatenate([s.latency_ms for s in own])
    by_round = [percentiles(s.latency_ms, unended=s.unended) for s in own]
    elapsed_s = [(s.found.elapsed_ns or 0) / 1e9 for s in own]
    sizes = [s.found.size_bytes for s in own]
    rows = sum(s.found.rows for s in own)
    longest = max(own, key=lambda s: s.latency_ms.size)
    ends = min(_MOST_AT_AN_END, longest.latency_ms.size // 4)
    opened = [v.open_ns for v in run.verifications if _is_of(v.key, case, rate) and v.open_ns]
    return Line(
        case=case,
        rate=rate,
        status="ok",
        rounds=len(own),
        commits=sum(s.found.commits for s in own),
        rows=rows,
        failed=sum(s.found.failed for s in own),
        unstarted=sum(s.found.unstarted for s in own),
        late=int(sum((s.late_ns > _LATE_NS).sum() for s in own)),
        percentiles_ms=percentiles(latencies, unended=sum(s.unended for s in own)),
        by_round_ms={
            level: tuple(p[level] for p in by_round)
            for level in LEVELS
            if all(level in p for p in by_round)
        },
        slowest_ms=float(latencies.max()) if latencies.size else None,
        rows_per_s=tuple(s.found.rows / t for s, t in zip(own, elapsed_s, strict=True) if t),
        bytes_per_s=sum(x for x in sizes if x) / sum(elapsed_s) if all(sizes) else None,
        cpu_us_a_row=_ratio(sum(s.found.cpu_ns or 0 for s in own) / 1e3, rows),
        peak_rss_bytes=max((s.found.peak_rss_bytes or 0 for s in own), default=0) or None,
        to_limit={} if case.contestant == DISK else dict(_to_limit(own, limit)),
        drift=drift(longest.latency_ms, ends),
        drift_ends=ends,
        first_ms=float(np.median(longest.latency_ms[:ends])) if ends else None,
        last_ms=float(np.median(longest.latency_ms[-ends:])) if ends else None,
        steps_ms=dict(_steps(own)),
        appends_a_commit=_appends(own),
        open_ms=max(opened) / 1e6 if opened else None,
    )


def _to_limit(
    own: Sequence[RoundSamples], limit: Mapping[int, RoundSamples]
) -> Iterable[tuple[str, Interval]]:
    """Ratio to the limit of the same round, for each percentile that both have."""
    for level in LEVELS:
        base, other = [], []
        for s in own:
            theirs = limit.get(s.found.key.round)
            if theirs is None:
                continue
            first = percentiles(theirs.latency_ms, [level], unended=theirs.unended).get(level)
            second = percentiles(s.latency_ms, [level], unended=s.unended).get(level)
            if first and second and np.isfinite(first) and np.isfinite(second):
                base.append(first)
                other.append(second)
        found = paired_ratio(base, other)
        if found is not None:
            yield level, found


def _steps(own: Sequence[RoundSamples]) -> Iterable[tuple[str, float]]:
    for step in STEPS:
        values = [s.commits[f"{step}_ns"].drop_null() for s in own if s.commits.num_rows]
        known = np.concatenate([v.to_numpy().astype(float) for v in values]) if values else None
        if known is not None and known.size:
            yield step, float(np.median(known)) / 1e6


def _appends(own: Sequence[RoundSamples]) -> float | None:
    """Mean over commits, each of which the samples of its batches tell of."""
    values = [s.commits["appends"].drop_null() for s in own if s.commits.num_rows]
    known = np.concatenate([v.to_numpy().astype(float) for v in values]) if values else None
    if known is None or not known.size:
        return None
    return float(known.size / (1 / known).sum())


def _is_of(key: Key, case: Case, rate: float | None) -> bool:
    return (key.case, key.rate, key.reader) == (case, rate, None)


def _ratio(value: float, by: int) -> float | None:
    return value / by if by and value else None
