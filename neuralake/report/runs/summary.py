"""Several runs in numbers: later against first, and time against scale factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from neuralake.errors import ResultsError
from neuralake.lists import require_once
from neuralake.report.runs.differences import Difference, differences
from neuralake.results.records import Run
from neuralake.results.summary import Summary, summarise
from neuralake.stats.ratio import Ratio, ratio_of_medians
from neuralake.stats.scaling import PowerLaw, fit_power_law
from neuralake.stats.summary import geometric_mean

NOT_PAIRED = (
    "Runs made one after another are not a paired measurement: what changed on the machine between "
    "them is in the ratios too. They are no verdict: neuralake compare gives one, of both versions "
    "side by side."
)


@dataclass(frozen=True)
class Mean:
    """Geometric mean of the ratios of one run and engine, over so many queries."""

    ratio: float
    queries: int


@dataclass(frozen=True)
class RunsSummary:
    """Several runs of one workload.

    Attributes
    ----------
    runs, summaries
        In the order in which they were named; the first is the base.
    engines, queries
        Those that occur in two runs or more, in the order of the first that has them.
    ratios
        By number of the later run (from 1), query and engine: its median ÷ that of the first run;
        None where one of them has no valid latency.
    means
        By number of the later run and engine.
    laws
        Latency against scale factor by query and engine, where two scale factors or more have a
        valid latency.
    differences
        Facts that are not the same in all runs.
    """

    runs: tuple[Run, ...]
    summaries: tuple[Summary, ...]
    engines: tuple[str, ...]
    queries: tuple[str, ...]
    ratios: Mapping[tuple[int, str, str], Ratio | None]
    means: Mapping[tuple[int, str], Mean]
    laws: Mapping[tuple[str, str], PowerLaw]
    differences: tuple[Difference, ...]

    @property
    def scale_factors(self) -> tuple[float, ...]:
        """The different scale factors, ascending."""
        return tuple(sorted({f for run in self.runs if (f := run.header.scale_factor)}))

    def is_same_size(self, number: int) -> bool:
        """Whether a later run has the scale factor of the first."""
        return self.runs[number].header.scale_factor == self.runs[0].header.scale_factor

    def points(self, query: str, engine: str) -> list[tuple[float, float]]:
        """Scale factor and median latency of every run that has both."""
        found = []
        for run, summary in zip(self.runs, self.summaries, strict=True):
            cell = summary.cells.get((query, engine))
            factor = run.header.scale_factor
            if factor and cell is not None and cell.latency_s is not None:
                found.append((factor, cell.latency_s.median))
        return sorted(found)


def summarise_runs(runs: Sequence[Run]) -> RunsSummary:
    """Summarise two runs or more of one workload: later against first.

    Raises
    ------
    ResultsError
        If a run is named twice, workloads differ, or a run has no engine and query in common with
        the first.
    """
    first = runs[0]
    require_once((run.header.id for run in runs), "run", ResultsError)
    for run in runs:
        if run.header.workload != first.header.workload:
            raise ResultsError(
                f"runs {first.header.id} and {run.header.id} cannot be compared: "
                f"their workloads are {first.header.workload} and {run.header.workload}"
            )
    summaries = tuple(summarise(run) for run in runs)
    for run, summary in zip(runs[1:], summaries[1:], strict=True):
        if not summaries[0].cells.keys() & summary.cells.keys():
            raise ResultsError(
                f"runs {first.header.id} and {run.header.id} cannot be compared: "
                "they have no engine and query in common"
            )
    engines = _repeated([summary.engines for summary in summaries])
    queries = _repeated([summary.queries for summary in summaries])
    ratios = {
        (number, query, engine): _ratio(summaries[0], summary, query, engine)
        for number, summary in enumerate(summaries[1:], start=1)
        for query in queries
        for engine in engines
        if (query, engine) in summary.cells or (query, engine) in summaries[0].cells
    }
    found = RunsSummary(
        runs=tuple(runs),
        summaries=summaries,
        engines=engines,
        queries=queries,
        ratios=ratios,
        means=_means(ratios, len(runs), engines),
        laws={},
        differences=differences(runs),
    )
    return _with_laws(found)


def _repeated(names: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names that occur in two lists or more, each once."""
    every = dict.fromkeys(name for listed in names for name in listed)
    return tuple(name for name in every if sum(name in set(listed) for listed in names) > 1)


def _ratio(first: Summary, later: Summary, query: str, engine: str) -> Ratio | None:
    cells = [summary.cells.get((query, engine)) for summary in (first, later)]
    base, other = (cell.hot_runs_s if cell and cell.latency_s else () for cell in cells)
    return ratio_of_medians(base, other) if base and other else None


def _means(
    ratios: Mapping[tuple[int, str, str], Ratio | None], runs: int, engines: Sequence[str]
) -> dict[tuple[int, str], Mean]:
    grouped: dict[tuple[int, str], list[float]] = {
        (number, engine): [] for number in range(1, runs) for engine in engines
    }
    for (number, _, engine), ratio in ratios.items():
        if ratio is not None:
            grouped[number, engine].append(ratio.ratio)
    return {key: Mean(geometric_mean(r), len(r)) for key, r in grouped.items() if r}


def _with_laws(runs: RunsSummary) -> RunsSummary:
    laws = {}
    for query in runs.queries:
        for engine in runs.engines:
            points = runs.points(query, engine)
            if len({factor for factor, _ in points}) > 1:
                sizes, times = zip(*points, strict=True)
                laws[query, engine] = fit_power_law(sizes, times)
    return replace(runs, laws=laws)
