"""Change points of all series together, with the error of the whole under control."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neuralake.history.records import Analysed, Change, History, Omission, Series
from neuralake.stats.change_points import (
    ChangePoint,
    find_change_points,
    p_value_of_change,
    points_needed,
)
from neuralake.stats.multiplicity import benjamini_hochberg

LEAST_PERMUTATIONS = 999
DEFAULT_CONFIDENCE = 0.99
DEFAULT_SMALLEST_CHANGE = 0.02


@dataclass(frozen=True)
class Criteria:
    """What counts as a change.

    Attributes
    ----------
    confidence
        1 − the rate of false discoveries over all series; also of the intervals.
    smallest_change
        Least size: 0.02 is 2 %.
    """

    confidence: float = DEFAULT_CONFIDENCE
    smallest_change: float = DEFAULT_SMALLEST_CHANGE


def analyse(series: Sequence[Series], omissions: Sequence[Omission], criteria: Criteria) -> History:
    """Find the change points of some series.

    A series is searched if the hypothesis that it has none is rejected by Benjamini and
    Hochberg's procedure over all series long enough to be tested, and then at the level that the
    procedure gives. The rule for which are long enough looks at nothing but their length.
    """
    rate = 1 - criteria.confidence
    needed = points_needed(rate)
    testable = [s for s in series if len(s.points) >= needed]
    count = max(len(testable), 1)
    p_values = [p_value_of_change(_values(s), _permutations(rate / count)) for s in testable]
    rejected, level = benjamini_hochberg(p_values, rate)
    changed = {s.key for s, is_rejected in zip(testable, rejected, strict=True) if is_rejected}
    analysed = []
    for one in series:
        found: tuple[ChangePoint, ...] = ()
        if one.key in changed:
            found = find_change_points(
                _values(one),
                level,
                smallest_change=criteria.smallest_change,
                confidence=criteria.confidence,
                permutations=_permutations(level),
            )
        changes = tuple(_change(one, point, point is found[-1]) for point in found)
        analysed.append(Analysed(one, changes, len(one.points) >= needed))
    return History(
        analysed=tuple(analysed),
        omissions=tuple(omissions),
        confidence=criteria.confidence,
        level=level,
        smallest_change=criteria.smallest_change,
        points_needed=needed,
        points_needed_alone=points_needed(rate / count),
    )


def _permutations(level: float) -> int:
    """Random orders that resolve a level: half of it is within reach."""
    return max(LEAST_PERMUTATIONS, math.ceil(2 / level))


def _values(series: Series) -> list[float]:
    return [point.value for point in series.points]


def _change(series: Series, found: ChangePoint, is_latest: bool) -> Change:
    commits = [point.commit for point in series.points]
    since, until = commits[found.earliest - 1], commits[found.latest]
    is_worse = (found.change.ratio > 1) != series.higher_is_better
    return Change(
        kind="regression" if is_worse else "improvement",
        index=found.index,
        before=commits[found.index - 1],
        after=commits[found.index],
        since=since,
        until=until,
        commits=until.position - since.position,
        ratio=found.change.ratio,
        low=found.change.low,
        high=found.change.high,
        interval_confidence=found.change.confidence,
        p_value=found.p_value,
        is_latest=is_latest,
    )
