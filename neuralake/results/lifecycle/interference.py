"""What the queries of one engine take beside other sessions, by what they take alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.phases.records import PhaseKey
from neuralake.results.phases.samples import TaskSample
from neuralake.stats.percentiles import LEVELS, percentiles
from neuralake.stats.rounds import paired_ratio
from neuralake.stats.summary import Interval


@dataclass(frozen=True)
class Interference:
    """What queries take beside other sessions, by what they take alone.

    Each latency is divided by the median of the same query alone, so that it does not matter which
    queries happened to run beside something.

    Attributes
    ----------
    engine, series, alone
        Whose, in which series, against which.
    samples, alone_samples
        Queries that ran while another session was at something; and alone.
    level
        The highest percentile that both have ten samples beyond, in percent; None if there is none.
    ratio
        That percentile beside ÷ alone; None without one.
    typical
        Over repetitions, the median beside ÷ alone.
    """

    engine: str
    series: str
    alone: str
    samples: int
    alone_samples: int
    level: str | None
    ratio: float | None
    typical: Interval | None


def interference_of(
    run: LifecycleRun, engine: str, samples: Mapping[PhaseKey, Sequence[TaskSample]]
) -> Iterator[Interference]:
    """Each series of an engine that is compared with one in which its queries run alone."""
    of_series: dict[str, list[str]] = {}
    for phase in run.header.phases:
        of_series.setdefault(phase.series, []).append(phase.name)
    compared = {p.series: p.alone for p in run.header.phases if p.alone is not None}
    for series, alone in compared.items():
        base: dict[str, list[float]] = {}
        in_repetition: dict[int, tuple[list[tuple[str, float]], list[tuple[str, float]]]] = {}
        for number in run.header.repetition_numbers:
            lone = _latencies(engine, of_series[alone], number, samples, beside=False)
            beside = _latencies(engine, of_series[series], number, samples, beside=True)
            for name, latency in lone:
                base.setdefault(name, []).append(latency)
            in_repetition[number] = (lone, beside)
        medians = {name: median(values) for name, values in base.items()}
        scaled = [
            tuple([value / medians[n] for n, value in own if n in medians] for own in pair)
            for pair in in_repetition.values()
        ]
        every = [[v for pair in scaled for v in pair[side]] for side in (0, 1)]
        if not every[1] or not every[0]:
            continue
        found = [percentiles(values) for values in every]
        level = next((v for v in reversed(LEVELS) if all(v in own for own in found)), None)
        both = [pair for pair in scaled if pair[0] and pair[1]]
        yield Interference(
            engine,
            series,
            alone,
            len(every[1]),
            len(every[0]),
            level,
            None if level is None else found[1][level] / found[0][level],
            paired_ratio([median(a) for a, _ in both], [median(b) for _, b in both]),
        )


def _latencies(
    engine: str,
    phases: Iterable[str],
    repetition: int,
    samples: Mapping[PhaseKey, Sequence[TaskSample]],
    *,
    beside: bool,
) -> list[tuple[str, float]]:
    """Query and seconds of those that ran alone, or while another session was at something."""
    found = []
    for phase in phases:
        own = samples.get(PhaseKey(engine, phase, repetition), ())
        for sample in own:
            if sample.kind != "query" or sample.status != "ok" or not sample.wall_ns:
                continue
            others = [o for o in own if o.session != sample.session and o.kind != "pause"]
            if any(_overlap(sample, other) for other in others) == beside:
                found.append((sample.task, sample.wall_ns / 1e9))
    return found


def _overlap(one: TaskSample, other: TaskSample) -> bool:
    if one.end_ns is None or other.end_ns is None:
        return False
    return one.begin_ns < other.end_ns and other.begin_ns < one.end_ns
