"""How a list of measurements becomes a benchmark's value."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TypedDict


class Samples(TypedDict):
    """What asv takes as timing data: it computes the median, its interval, and a test from it."""

    samples: list[float]
    number: int


def samples(values: Sequence[float]) -> Samples:
    """Measurements, each of one execution."""
    return {"samples": list(values), "number": 1}


def ratios(values: Sequence[float], anchors: Sequence[float]) -> Samples:
    """Measurements relative to those that were taken beside them."""
    return samples([value / anchor for value, anchor in zip(values, anchors, strict=True)])


def display(amount: float, seconds: Sequence[float]) -> Samples:
    """A rate, of which more is better, to be looked at and never to be judged.

    To asv lower is better. It judges no benchmark of two samples: their interval has no bounds,
    and its test cannot reach significance. Seconds are what is judged. (Its regressions page,
    which knows no intervals, leaves rates out by ``regressions_first_commits``.)

    Parameters
    ----------
    amount
        Of whatever was done in each of the times.
    seconds
        Times that it took.
    """
    rate = amount / statistics.median(seconds)
    return samples([rate, rate])
