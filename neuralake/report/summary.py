"""A run in numbers: one cell for each query and engine, and what may be added up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from neuralake.results.records import Run, Sample
from neuralake.stats.summary import Interval, geometric_mean, median_interval

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
    runs
        Number of hot runs.
    """

    status: CellStatus
    latency_s: Interval | None = None
    first_s: float | None = None
    runs: int = 0


@dataclass(frozen=True)
class EngineSummary:
    """One engine over all queries.

    Attributes
    ----------
    total_s, geometric_mean_s
        Over :attr:`Summary.compared`; None if that is empty.
    verified, queries
        Answers found right, of how many.
    peak_rss_bytes
        Greatest peak of any execution.
    start_s, open_s
        Start of the engine and opening of the tables.
    """

    total_s: float | None
    geometric_mean_s: float | None
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
        Queries with a latency on every engine: all that totals are made of.
    by_engine
        One for each engine.
    """

    engines: tuple[str, ...]
    queries: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    compared: tuple[str, ...]
    by_engine: Mapping[str, EngineSummary]

    def fastest(self, query: str) -> str | None:
        """Engine with the least median latency, among two or more."""
        medians = {
            engine: cell.latency_s.median
            for engine in self.engines
            if (cell := self.cells[query, engine]).latency_s is not None
        }
        return min(medians, key=medians.__getitem__) if len(medians) > 1 else None


def summarise(run: Run) -> Summary:
    """Summarise a run. Answers that are wrong have no latency here."""
    engines = tuple(e.name for e in run.engines if e.unavailable is None)
    queries = run.header.queries
    samples: dict[tuple[str | None, str], list[Sample]] = defaultdict(list)
    for sample in run.samples:
        samples[sample.query, sample.engine].append(sample)
    cells = {(q, e): _cell(samples[q, e]) for q in queries for e in engines}
    compared = tuple(q for q in queries if all(cells[q, e].latency_s for e in engines))
    verified = {(v.query, v.engine) for v in run.verifications if v.verdict == "verified"}
    by_engine = {
        engine: _engine(
            [cell.latency_s.median for q in compared if (cell := cells[q, engine]).latency_s],
            sum((q, engine) in verified for q in queries),
            len(queries),
            [sample for sample in run.samples if sample.engine == engine],
        )
        for engine in engines
    }
    return Summary(engines, queries, cells, compared, by_engine)


def _cell(samples: list[Sample]) -> Cell:
    if not samples:
        return Cell("missing")
    for sample in samples:
        if sample.status != "ok":
            return Cell(sample.status)
    first = [s.wall_ns / 1e9 for s in samples if s.phase == "first" and s.wall_ns is not None]
    hot = [s.wall_ns / 1e9 for s in samples if s.phase == "hot" and s.wall_ns is not None]
    return Cell(
        status="ok",
        latency_s=median_interval(hot) if hot else None,
        first_s=first[0] if first else None,
        runs=len(hot),
    )


def _engine(
    medians: list[float], verified: int, queries: int, samples: list[Sample]
) -> EngineSummary:
    peaks = [s.peak_rss_bytes for s in samples if s.peak_rss_bytes is not None]
    return EngineSummary(
        total_s=sum(medians) if medians else None,
        geometric_mean_s=geometric_mean(medians) if medians else None,
        verified=verified,
        queries=queries,
        peak_rss_bytes=max(peaks, default=None),
        start_s=_phase_s(samples, "start"),
        open_s=_phase_s(samples, "open"),
    )


def _phase_s(samples: list[Sample], phase: str) -> float | None:
    """First sample of a phase, in seconds."""
    times = (s.wall_ns for s in samples if s.phase == phase and s.wall_ns is not None)
    wall_ns = next(times, None)
    return None if wall_ns is None else wall_ns / 1e9
