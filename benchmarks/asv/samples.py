"""How a list of measurements becomes a benchmark's value."""

from __future__ import annotations

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
    """Measurements relative to those taken beside them; asv shows all digits, so give but four."""
    pairs = zip(values, anchors, strict=True)
    return samples([round(value / anchor, 4) for value, anchor in pairs])
