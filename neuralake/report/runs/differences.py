"""The facts in which runs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralake.report.numbers import NONE
from neuralake.report.run.facts import facts
from neuralake.results.records import Run


@dataclass(frozen=True)
class Difference:
    """A fact that is not the same in all runs: its value in each."""

    label: str
    values: tuple[str, ...]


def differences(runs: Sequence[Run]) -> tuple[Difference, ...]:
    """Facts that may change a latency and are not the same in all runs, in a fixed order."""
    known = [
        {g.title: {f.label: f.value for f in g.facts if f.compared} for g in facts(run) if g.facts}
        for run in runs
    ]
    labels = dict.fromkeys(
        (title, label) for groups in known for title, group in groups.items() for label in group
    )
    found = []
    for title, label in labels:
        values = [groups[title].get(label, NONE) if title in groups else None for groups in known]
        if (
            len({value for value in values if value is not None}) > 1
        ):  # an absent engine is said once
            shown = tuple(NONE if value is None else value for value in values)
            found.append(Difference(f"{title}: {label}", shown))
    return tuple(found)
