"""What the maintenance of one engine was worth to the queries around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product, takewhile
from statistics import median

from neuralake.results.lifecycle.questions import Questions
from neuralake.results.lifecycle.records import LifecycleRun, PlannedPhase
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.stats.rounds import paired_ratio
from neuralake.stats.summary import Interval


@dataclass(frozen=True)
class Maintenance:
    """What a phase of maintenance was worth.

    Attributes
    ----------
    engine, phase
        Whose, and which.
    before, after
        The phases around it that ask the same, and do nothing else.
    before_s, after_s
        Seconds of their queries, medians over repetitions.
    cost_s
        Elapsed seconds of the maintenance, the median.
    value
        Seconds before ÷ after.
    pays_after
        How often the queries must be asked until the maintenance has paid; None if it never does.
    """

    engine: str
    phase: str
    before: str
    after: str
    before_s: float
    after_s: float
    cost_s: float
    value: Interval
    pays_after: float | None


def maintenance_of(
    run: LifecycleRun,
    engine: str,
    totals: Mapping[PhaseKey, float | None],
    records: Mapping[PhaseKey, PhaseRecord],
    questions: Mapping[str, Questions],
) -> Iterator[Maintenance]:
    """The phases of maintenance before and after which the same is asked.

    Parameters
    ----------
    run, engine
        Whose.
    totals
        Seconds of each phase.
    records
        Of the phases.
    questions
        Of each phase, by its name.
    """
    phases = run.header.phases
    for place, phase in enumerate(phases):
        if not phase.is_maintenance:
            continue
        around = _around(phases[:place][::-1], phases[place + 1 :], questions)
        if around is None:
            continue
        before, after = around
        found = []
        for number in run.header.repetition_numbers:
            keys = [PhaseKey(engine, name, number) for name in (before, after, phase.name)]
            record = records.get(keys[2])
            first, last = totals.get(keys[0]), totals.get(keys[1])
            if first and last and record is not None and record.elapsed_ns is not None:
                found.append((first, last, record.elapsed_ns / 1e9))
        if not found:
            continue
        firsts, lasts, costs = ([row[i] for row in found] for i in range(3))
        value = paired_ratio(lasts, firsts)
        saved = median(f - s for f, s, _ in found)
        assert value is not None  # noqa: S101 - there is a repetition
        yield Maintenance(
            engine,
            phase.name,
            before,
            after,
            median(firsts),
            median(lasts),
            median(costs),
            value,
            median(costs) / saved if saved > 0 else None,
        )


def _around(
    before: Sequence[PlannedPhase],
    after: Sequence[PlannedPhase],
    questions: Mapping[str, Questions],
) -> tuple[str, str] | None:
    """The nearest phases on either side that ask the same, with nothing but questions between."""
    asked = [[each.name for each in takewhile(_leaves_tables, side)] for side in (before, after)]
    pairs = sorted(product(*map(enumerate, asked)), key=lambda pair: pair[0][0] + pair[1][0])
    return next(
        (
            (first, last)
            for (_, first), (_, last) in pairs
            if questions[first] and questions[first] == questions[last]
        ),
        None,
    )


def _leaves_tables(phase: PlannedPhase) -> bool:
    """Whether tables are after a phase as they were before it, and nothing runs beside queries."""
    return not set(phase.kinds) - {"query", "pause"}
