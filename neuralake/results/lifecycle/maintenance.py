"""What the maintenance of one engine was worth to the queries around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from neuralake.results.lifecycle.records import LifecycleRun
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
        The phases with queries around it.
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
) -> Iterator[Maintenance]:
    """The phases of maintenance that have queries before and after them."""
    phases = run.header.phases
    for place, phase in enumerate(phases):
        if not phase.is_maintenance:
            continue
        before = _nearest(phases[:place][::-1])
        after = _nearest(phases[place + 1 :])
        if before is None or after is None:
            continue
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


def _nearest(phases: Iterable[object]) -> str | None:
    """The first phase that only asks, unless rows are changed before it."""
    for phase in phases:
        if getattr(phase, "has_queries", False) and not getattr(phase, "changes_rows", False):
            return str(getattr(phase, "name", ""))
        if getattr(phase, "changes_rows", False):
            return None
    return None
