"""A run of freshness in numbers: a line for each case, and up to which rate visibility holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from neuralake.results.freshness.records import (
    Case,
    FreshnessRun,
    Key,
    Parts,
    ProcessUse,
    Round,
)
from neuralake.results.freshness.samples import (
    VISIBLE_MOST,
    Distributions,
    read_distributions,
)
from neuralake.results.freshness.spans import Spans
from neuralake.results.freshness.stages import Stage, stages
from neuralake.results.parts import read_part
from neuralake.results.plain import without_infinity
from neuralake.stats.distribution import Distribution
from neuralake.stats.percentiles import LEVELS, percentiles
from neuralake.stats.summary import median_of_known

_SHOWN_BY_ROUND = ("50", "95", "99")
_SUSTAINED = "99"
_NANOSECONDS = 1e6

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One case, all its rounds together.

    Attributes
    ----------
    case
        What was measured.
    status
        ``ok``; ``wrong`` where an answer was impossible, a record missing, or a table not right; or
        why a round did not come to its end. Any round that is not ``ok`` decides, and there are no
        numbers then.
    rounds, records
        That came to their end, and the records that are in the figures.
    measures_ms
        By measure (:mod:`neuralake.results.freshness.samples`) and level: percentiles, where there
        is enough for them; infinite where they lie among what was never durable or seen.
    by_round_ms
        Of each round alone, by level: the upper ends of visibility.
    longest_ms
        The longest of each measure.
    beside_ms, alone_ms
        Latency of queries while records flow, and in the pauses, by level; from the moment at which
        each was due, and infinite where it lies among those that failed.
    interference
        The former ÷ the latter, by level.
    flatness
        Visibility in the last slice of a round ÷ in the second, by level.
    slices_ms
        Visibility over time: of each slice its percentiles, of all rounds.
    slice_s
        Length of a slice.
    stages
        Of the way into the table (:mod:`neuralake.results.freshness.stages`).
    cores
        Processor time by elapsed time, of each process.
    delayed
        For how long the threads of each process waited for a processor, by elapsed time.
    peak_rss_bytes
        The greatest of each process.
    apart_ms
        Median time from one answer to the next.
    late_ms
        The longest time after which a batch was sent that should have been.
    polls, asked, failed_polls, versions, compactions
        Sums over the rounds.
    """

    case: Case
    status: str
    rounds: int = 0
    records: int = 0
    measures_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    by_round_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    longest_ms: Mapping[str, float] = field(default_factory=dict)
    beside_ms: Mapping[str, float] = field(default_factory=dict)
    alone_ms: Mapping[str, float] = field(default_factory=dict)
    interference: Mapping[str, float] = field(default_factory=dict)
    flatness: Mapping[str, float] = field(default_factory=dict)
    slices_ms: tuple[Mapping[str, float], ...] = ()
    slice_s: float = 0.0
    stages: Mapping[str, Stage] = field(default_factory=dict)
    cores: Mapping[str, float] = field(default_factory=dict)
    delayed: Mapping[str, float] = field(default_factory=dict)
    peak_rss_bytes: Mapping[str, int] = field(default_factory=dict)
    apart_ms: float | None = None
    late_ms: float = 0.0
    polls: int = 0
    asked: int = 0
    failed_polls: int = 0
    versions: int = 0
    compactions: int = 0

    @property
    def sustained_ms(self) -> float | None:
        """p99 of visibility, the median of the rounds; None without records enough."""
        found = self.by_round_ms.get(_SUSTAINED)
        return median(found) if found else None


@dataclass(frozen=True)
class Frontier:
    """Up to which of the offered rates a reader sees records in time.

    Attributes
    ----------
    reader, is_compacted
        Whose.
    bound_ms
        On p99 of visibility.
    rate
        The greatest that was offered and sustained, as was every smaller one; None if none was.
    beyond
        The next greater one that was offered; None if there is none.
    """

    reader: str
    is_compacted: bool
    bound_ms: float
    rate: float | None
    beyond: float | None


@dataclass(frozen=True)
class FreshnessSummary:
    """A run in numbers.

    Attributes
    ----------
    lines
        By case.
    frontiers
        By reader and compaction.
    distributions
        Of all rounds of a case that came to their end, by measure.
    """

    lines: tuple[Line, ...]
    frontiers: tuple[Frontier, ...]
    distributions: Mapping[Case, Mapping[str, Distribution]]

    def document(self, run: FreshnessRun) -> dict[str, object]:
        """Run and numbers, for ``--json``: what is infinite is ``"never"``."""
        lines = [{**asdict(line), "sustained_ms": line.sustained_ms} for line in self.lines]
        frontiers = [asdict(frontier) for frontier in self.frontiers]
        return {"run": asdict(run), "lines": without_infinity(lines), "frontiers": frontiers}


def summarise_freshness(run: FreshnessRun, directory: Path) -> FreshnessSummary:
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
    by_case: dict[Case, list[Round]] = {}
    for found in sorted(run.rounds, key=lambda r: _place(run, r.key)):
        by_case.setdefault(found.key.case, []).append(found)
    lines, distributions = [], {}
    for case, rounds in by_case.items():
        line, merged = _line(run, directory, case, rounds)
        lines.append(line)
        distributions[case] = merged
    return FreshnessSummary(tuple(lines), tuple(_frontiers(run, lines)), distributions)


def _place(run: FreshnessRun, key: Key) -> tuple[int, int, int, int]:
    case, header = key.case, run.header
    return (
        header.load.rates.index(case.rate),
        header.compaction.index(case.is_compacted),
        header.asking.readers.index(case.reader),
        key.round,
    )


def _line(
    run: FreshnessRun, directory: Path, case: Case, rounds: Sequence[Round]
) -> tuple[Line, Mapping[str, Distribution]]:
    bad = ["wrong" for found in rounds if found.key in run.wrong]
    bad += [found.status for found in rounds if found.status != "ok"]
    whole = [(found, found.parts) for found in rounds if found.parts is not None]
    if bad or not whole:
        count = sum(found.status == "ok" for found in rounds)
        return Line(case, bad[0] if bad else "error", rounds=count), {}
    spans = Spans.of(run.header.load)
    each = [read_distributions(directory, parts) for _, parts in whole]
    measures = sorted({measure for found in each for measure in found})
    merged = {m: _merged(found.get(m, {}).values() for found in each) for m in measures}
    visible = [Distribution.merged(found.get(VISIBLE_MOST, {}).values()) for found in each]
    slices = _by_slice(each)
    beside, alone = _latencies(directory, [parts for _, parts in whole], spans)
    line = Line(
        case=case,
        status="ok",
        rounds=len(whole),
        records=merged[VISIBLE_MOST].size if VISIBLE_MOST in merged else 0,
        measures_ms={m: _in_ms(found.percentiles()) for m, found in merged.items()},
        by_round_ms=_by_round(visible),
        longest_ms={
            m: math.inf if found.unended else found.greatest / 1e3
            for m, found in merged.items()
            if found.greatest is not None
        },
        beside_ms=beside,
        alone_ms=alone,
        interference=_ratios(beside, alone),
        flatness=_ratios(slices[-1], slices[1]) if len(slices) > 2 else {},
        slices_ms=tuple(slices),
        slice_s=spans.slice_ns / 1e9,
        stages=stages(directory, [parts for _, parts in whole], spans),
        cores=_by_elapsed([found for found, _ in whole], attrgetter("cpu_ns")),
        delayed=_by_elapsed([found for found, _ in whole], attrgetter("delayed_ns")),
        peak_rss_bytes=_peaks([found for found, _ in whole]),
        apart_ms=_median_ms(found.apart_ns for found, _ in whole),
        late_ms=max(found.late_ns for found, _ in whole) / _NANOSECONDS,
        polls=sum(found.polls for found, _ in whole),
        asked=sum(found.asked for found, _ in whole),
        failed_polls=sum(found.failed_polls for found, _ in whole),
        versions=sum(found.versions for found, _ in whole),
        compactions=sum(found.compactions for found, _ in whole),
    )
    return line, merged


def _merged(parts: Iterable[Iterable[Distribution]]) -> Distribution:
    return Distribution.merged(each for some in parts for each in some)


def _by_slice(each: Sequence[Distributions]) -> list[Mapping[str, float]]:
    """Percentiles of visibility of each slice."""
    numbers = sorted({number for found in each for number in found.get(VISIBLE_MOST, {})})
    return [
        _in_ms(
            Distribution.merged(
                found[VISIBLE_MOST][number]
                for found in each
                if number in found.get(VISIBLE_MOST, {})
            ).percentiles()
        )
        for number in numbers
    ]


def _by_round(visible: Sequence[Distribution]) -> dict[str, tuple[float, ...]]:
    found = [_in_ms(each.percentiles(_SHOWN_BY_ROUND)) for each in visible]
    return {
        level: tuple(own[level] for own in found)
        for level in _SHOWN_BY_ROUND
        if all(level in own for own in found)
    }


def _latencies(
    directory: Path, parts: Sequence[Parts], spans: Spans
) -> tuple[dict[str, float], dict[str, float]]:
    """Latency of polls from the moments at which they were due, beside the records and alone."""
    found: tuple[list[Array], list[Array]] = ([], [])
    failed = [0, 0]
    for own in parts:
        polls = read_part(directory, own.polls)
        due = polls["due_ns"].to_numpy()
        answered = polls["answered_ns"].to_numpy(zero_copy_only=False).astype(float)
        latency_ms = (answered - due) / _NANOSECONDS
        for place, chosen in enumerate((spans.is_beside(due), spans.is_alone(due))):
            some = latency_ms[chosen]
            found[place].append(some[np.isfinite(some)])
            failed[place] += int(np.isnan(some).sum())
    beside, alone = (
        percentiles(np.concatenate([np.empty(0), *own]), unended=lost)
        for own, lost in zip(found, failed, strict=True)
    )
    return beside, alone


def _ratios(above: Mapping[str, float], below: Mapping[str, float]) -> dict[str, float]:
    return {
        level: above[level] / below[level]
        for level in LEVELS
        if level in above
        and level in below
        and below[level]
        and math.isfinite(above[level])
        and math.isfinite(below[level])
    }


def _by_elapsed(
    rounds: Sequence[Round], time_of: Callable[[ProcessUse], int | None]
) -> dict[str, float]:
    """A time of each process by elapsed time."""
    found = {}
    for name in dict.fromkeys(name for r in rounds for name in r.use):
        own = [(time_of(r.use[name]), r.elapsed_ns) for r in rounds if name in r.use]
        if own and all(took is not None and elapsed for took, elapsed in own):
            found[name] = sum(t or 0 for t, _ in own) / sum(elapsed or 0 for _, elapsed in own)
    return found


def _peaks(rounds: Sequence[Round]) -> dict[str, int]:
    found: dict[str, int] = {}
    for own in rounds:
        for name, use in own.use.items():
            if use.peak_rss_bytes is not None:
                found[name] = max(found.get(name, 0), use.peak_rss_bytes)
    return found


def _frontiers(run: FreshnessRun, lines: Sequence[Line]) -> Iterable[Frontier]:
    bound_ms = run.header.asking.bound_s * 1e3
    cases = dict.fromkeys((line.case.reader, line.case.is_compacted) for line in lines)
    for reader, is_compacted in cases:
        own = [x for x in lines if (x.case.reader, x.case.is_compacted) == (reader, is_compacted)]
        own.sort(key=lambda line: line.case.rate)
        held = 0
        while held < len(own) and _is_sustained(own[held], bound_ms):
            held += 1
        yield Frontier(
            reader,
            is_compacted,
            bound_ms,
            rate=own[held - 1].case.rate if held else None,
            beyond=own[held].case.rate if held < len(own) else None,
        )


def _is_sustained(line: Line, bound_ms: float) -> bool:
    return line.sustained_ms is not None and line.sustained_ms <= bound_ms


def _in_ms(values_us: Mapping[str, float]) -> dict[str, float]:
    return {level: value / 1e3 for level, value in values_us.items()}


def _median_ms(values_ns: Iterable[int | None]) -> float | None:
    found = median_of_known(values_ns)
    return None if found is None else found / _NANOSECONDS
