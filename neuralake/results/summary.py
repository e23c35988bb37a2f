"""A run in numbers: one cell for each query and engine, and what may be added up."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from neuralake.results.records import Run, Sample
from neuralake.stats.summary import (
    Interval,
    geometric_mean,
    median_interval,
    median_of_known,
    pooled_log_sd,
    typical_range,
)

# Of two engines of equal speed all of n runs of one are faster than all of the other's with a
# chance of 2 ÷ C(2n, n): 33 % for 2 runs, 10 % for 3. So few alone do not tell the fastest.
LEAST_RUNS_TO_TELL = 3
_STANDARD_ERRORS_TO_TELL = 3

CellStatus = Literal["ok", "wrong", "error", "timeout", "oom", "crashed", "missing"]


@dataclass(frozen=True)
class Cell:
    """One query on one engine.

    Attributes
    ----------
    status
        ``ok``, or why there is no latency. Any sample that is not ``ok`` decides.
    latency_s
        Median of the hot runs with its interval, in seconds.
    first_s
        The first run, in seconds.
    cold_s
        Median of the cold runs with its interval, in seconds.
    hot_runs_s
        Each hot run, in the order in which they were taken.
    cpu_s
        Median CPU time of a hot run, in seconds.
    cores_used
        Median of CPU time ÷ elapsed time over the hot runs.
    peak_rss_bytes
        Greatest peak of any execution of the query, a failed one included.
    bytes_read, cold_bytes_read
        Medians over the hot and the cold runs.
    bytes_written
        Most bytes that any execution of the query wrote, a failed one included.
    cached_bytes
        Most bytes that were still cached when a cold run began.
    instructions
        Median of the hot runs.
    """

    status: CellStatus
    latency_s: Interval | None = None
    first_s: float | None = None
    cold_s: Interval | None = None
    hot_runs_s: tuple[float, ...] = ()
    cpu_s: float | None = None
    cores_used: float | None = None
    peak_rss_bytes: int | None = None
    bytes_read: float | None = None
    cold_bytes_read: float | None = None
    cached_bytes: int | None = None
    bytes_written: int | None = None
    instructions: float | None = None

    @property
    def runs(self) -> int:
        """Number of hot runs."""
        return len(self.hot_runs_s)


@dataclass(frozen=True)
class EngineSummary:
    """One engine over all queries.

    Attributes
    ----------
    total_s, geometric_mean_s
        Of the hot medians, over :attr:`Summary.compared`; None if that is empty.
    cold_total_s, cold_geometric_mean_s
        Of the cold medians, over the same queries; None if one of them has none.
    log_sd
        Standard deviation of the logarithms of one query's hot runs, pooled over the queries.
    typical_range
        Slowest ÷ fastest of three hot runs of a query in a row: the median.
    verified, queries
        Answers found right, of how many.
    peak_rss_bytes
        Greatest peak of any execution.
    start_s, open_s
        Start of the engine and opening of the tables.
    """

    total_s: float | None
    geometric_mean_s: float | None
    cold_total_s: float | None
    cold_geometric_mean_s: float | None
    log_sd: float | None
    typical_range: float | None
    verified: int
    queries: int
    peak_rss_bytes: int | None
    start_s: float | None
    open_s: float | None


@dataclass(frozen=True)
class Summary:
    """A run in numbers.

    Attributes
    ----------
    engines
        Names of the engines that ran, in order.
    queries
        Names of the queries, in order.
    cells
        By query and engine.
    compared
        Queries with a latency on every engine that has one at all: what totals are made of.
    by_engine
        One for each engine.
    """

    engines: tuple[str, ...]
    queries: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    compared: tuple[str, ...]
    by_engine: Mapping[str, EngineSummary]

    def fastest(self, query: str) -> str | None:
        """The engine that is faster than every other beyond the noise; None if there is none.

        Its interval lies below theirs, and its median by more than three standard errors, which
        come from the runs of all queries of both engines: three runs alone say little of their
        noise, sixty-six say enough. Fewer than :data:`LEAST_RUNS_TO_TELL` hot runs tell nothing.
        """
        known = {
            engine: cell
            for engine in self.engines
            if (cell := self.cells[query, engine]).latency_s is not None
        }
        if len(known) < 2:
            return None
        first = min(known, key=lambda engine: _median_s(known[engine]))
        others = (engine for engine in known if engine != first)
        return first if all(self._is_faster(query, first, other) for other in others) else None

    def fastest_in_total(self) -> str | None:
        """The engine the sum of whose intervals' upper ends is less than the others' lower ends."""
        ends = {
            engine: (sum(i.low for i in known), sum(i.high for i in known))
            for engine in self.engines
            if (known := [i for q in self.compared if (i := self.cells[q, engine].latency_s)])
        }
        cells = [self.cells[query, engine] for query in self.compared for engine in ends]
        if len(ends) < 2 or min(cell.runs for cell in cells) < LEAST_RUNS_TO_TELL:
            return None
        first = min(ends, key=lambda engine: ends[engine][1])
        others = (low for engine, (low, _) in ends.items() if engine != first)
        return first if ends[first][1] < min(others) else None

    def _is_faster(self, query: str, engine: str, other: str) -> bool:
        mine, its = self.cells[query, engine], self.cells[query, other]
        spreads = [self.by_engine[name].log_sd for name in (engine, other)]
        if mine.latency_s is None or its.latency_s is None or None in spreads:
            return False
        if min(mine.runs, its.runs) < LEAST_RUNS_TO_TELL:
            return False
        # variance of a median of normal values: about π ÷ 2 that of their mean
        variance = sum(
            math.pi / 2 * sd**2 / cell.runs
            for sd, cell in zip(spreads, (mine, its), strict=True)
            if sd is not None
        )
        apart = math.log(its.latency_s.median / mine.latency_s.median)
        return (
            mine.latency_s.high < its.latency_s.low
            and apart > _STANDARD_ERRORS_TO_TELL * math.sqrt(variance)
        )

    @property
    def has_cold(self) -> bool:
        """Whether any cold run was made."""
        return any(cell.cold_s is not None for cell in self.cells.values())

    def least(self, query: str) -> float | None:
        """Least median latency of any engine, in seconds."""
        cells = (self.cells[query, engine].latency_s for engine in self.engines)
        return min((latency.median for latency in cells if latency is not None), default=None)


def _median_s(cell: Cell) -> float:
    return math.inf if cell.latency_s is None else cell.latency_s.median


def summarise(run: Run) -> Summary:
    """Summarise a run. Answers that are wrong have no latency here."""
    engines = tuple(e.name for e in run.engines if e.unavailable is None)
    queries = run.header.queries
    samples: dict[str, dict[str | None, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in run.samples:
        samples[sample.engine][sample.query].append(sample)
    cells = {(q, e): _cell(samples[e][q]) for q in queries for e in engines}
    timed = [e for e in engines if any(cells[q, e].latency_s for q in queries)]
    compared = tuple(q for q in queries if timed and all(cells[q, e].latency_s for e in timed))
    verified = {(v.query, v.engine) for v in run.verifications if v.verdict == "verified"}
    by_engine = {
        engine: _engine(
            [cells[q, engine] for q in compared],
            [cells[q, engine].hot_runs_s for q in queries],
            sum((q, engine) in verified for q in queries),
            len(queries),
            samples[engine],
        )
        for engine in engines
    }
    return Summary(engines, queries, cells, compared, by_engine)


def _cell(samples: list[Sample]) -> Cell:
    if not samples:
        return Cell("missing")
    peak = max((s.peak_rss_bytes for s in samples if s.peak_rss_bytes is not None), default=None)
    written = max((s.bytes_written for s in samples if s.bytes_written is not None), default=None)
    for sample in samples:
        if sample.status != "ok":
            return Cell(sample.status, peak_rss_bytes=peak, bytes_written=written)
    timed = [sample for sample in samples if sample.wall_ns is not None]
    first = [sample for sample in timed if sample.phase == "first"]
    hot = [sample for sample in timed if sample.phase == "hot"]
    cold = [sample for sample in timed if sample.phase == "cold"]
    used = [s.cpu_ns / s.wall_ns for s in hot if s.cpu_ns is not None and s.wall_ns]
    cpu_ns = median_of_known(s.cpu_ns for s in hot)
    return Cell(
        status="ok" if hot else "missing",
        latency_s=median_interval(_seconds(hot)) if hot else None,
        first_s=_seconds(first)[0] if first else None,
        cold_s=median_interval(_seconds(cold)) if cold else None,
        hot_runs_s=tuple(_seconds(hot)),
        cpu_s=None if cpu_ns is None else cpu_ns / 1e9,
        cores_used=median_of_known(used),
        peak_rss_bytes=peak,
        bytes_read=median_of_known(s.bytes_read for s in hot),
        cold_bytes_read=median_of_known(s.bytes_read for s in cold),
        cached_bytes=max(
            (s.cached_bytes for s in cold if s.cached_bytes is not None), default=None
        ),
        bytes_written=written,
        instructions=median_of_known(s.instructions for s in hot),
    )


def _seconds(samples: list[Sample]) -> list[float]:
    return [sample.wall_ns / 1e9 for sample in samples if sample.wall_ns is not None]


def _engine(
    compared: Sequence[Cell],
    hot_runs_s: Sequence[Sequence[float]],
    verified: int,
    queries: int,
    samples: Mapping[str | None, Sequence[Sample]],
) -> EngineSummary:
    hot = [cell.latency_s.median for cell in compared if cell.latency_s is not None]
    cold = [cell.cold_s.median for cell in compared if cell.cold_s is not None]
    if len(cold) < len(compared):
        cold = []
    peaks = [s.peak_rss_bytes for group in samples.values() for s in group]
    return EngineSummary(
        total_s=sum(hot) if hot else None,
        geometric_mean_s=geometric_mean(hot) if hot else None,
        cold_total_s=sum(cold) if cold else None,
        cold_geometric_mean_s=geometric_mean(cold) if cold else None,
        log_sd=pooled_log_sd(hot_runs_s),
        typical_range=typical_range(hot_runs_s),
        verified=verified,
        queries=queries,
        peak_rss_bytes=max((peak for peak in peaks if peak is not None), default=None),
        start_s=_phase_s(samples.get(None, ()), "start"),
        open_s=_phase_s(samples.get(None, ()), "open"),
    )


def _phase_s(samples: Sequence[Sample], phase: str) -> float | None:
    """First sample of a phase, in seconds."""
    times = (s.wall_ns for s in samples if s.phase == phase and s.wall_ns is not None)
    wall_ns = next(times, None)
    return None if wall_ns is None else wall_ns / 1e9
