"""How the latencies of one engine change over phases that ask the same.

S_DR is LST-Bench's degradation rate (Camacho-Rodríguez et al., "LST-Bench: Benchmarking
Log-Structured Tables in the Cloud", SIGMOD 2024): of a metric M over the phases of a series, the
mean of (M_i - M_{i-1}) / M_{i-1}. A repetition of the plan is one observation of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from neuralake.results.lifecycle.questions import Questions
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.phases.records import PhaseKey
from neuralake.stats.summary import Interval, median_interval, median_of_known


@dataclass(frozen=True)
class Series:
    """Phases of one engine whose latencies are compared with one another.

    Attributes
    ----------
    engine, name
        Whose, and which.
    phases
        Names, in order.
    total_s
        By phase, the seconds of all its queries: the median over repetitions; None where none has
        a number.
    by_repetition_s
        By repetition, the same of each phase.
    degradation
        S_DR over the repetitions that have all phases; None with fewer than two phases, or none
        such, or if the phases do not ask alike.
    rates
        S_DR of each repetition.
    asks_alike
        Whether all phases ask the same queries equally often.
    """

    engine: str
    name: str
    phases: tuple[str, ...]
    total_s: tuple[float | None, ...]
    by_repetition_s: tuple[tuple[float | None, ...], ...]
    degradation: Interval | None
    rates: tuple[float, ...]
    asks_alike: bool = True


def degradation_rate(values: Sequence[float]) -> float:
    """S_DR of a metric over phases: the mean of its relative changes from one to the next.

    Parameters
    ----------
    values
        Two positive numbers or more, in order.

    Raises
    ------
    ValueError
        If there are fewer, or one is not positive.
    """
    if len(values) < 2 or min(values) <= 0:
        raise ValueError("a degradation rate needs two positive values or more")
    pairs = pairwise(values)
    return fmean((now - before) / before for before, now in pairs)


def series_of(
    run: LifecycleRun,
    engine: str,
    totals: Mapping[PhaseKey, float | None],
    questions: Mapping[str, Questions],
) -> Iterator[Series]:
    """The series of an engine, by the seconds that the queries of each phase took.

    Parameters
    ----------
    run, engine
        Whose.
    totals
        Seconds of each phase.
    questions
        Of each phase, by its name.
    """
    by_name: dict[str, list[str]] = {}
    for phase in run.header.phases:
        if phase.has_queries:
            by_name.setdefault(phase.series, []).append(phase.name)
    for name, phases in by_name.items():
        rows = [
            tuple(totals.get(PhaseKey(engine, phase, number)) for phase in phases)
            for number in run.header.repetition_numbers
        ]
        rows = [row for row in rows if any(value is not None for value in row)]
        whole = [[v for v in row if v is not None] for row in rows if None not in row]
        alike = all(questions[phase] == questions[phases[0]] for phase in phases)
        rates = tuple(map(degradation_rate, whole)) if alike and len(phases) > 1 else ()
        yield Series(
            engine,
            name,
            tuple(phases),
            tuple(median_of_known(row[i] for row in rows) for i in range(len(phases))),
            tuple(rows),
            median_interval(rates) if rates else None,
            rates,
            alike,
        )
