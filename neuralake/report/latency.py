"""How latencies are written where some never came to an end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from neuralake.report.numbers import NONE, milliseconds

NEVER = "never"


def in_ms(value_ms: float | None) -> str:
    """Milliseconds; ``never`` of a percentile among what never came to an end."""
    if value_ms is None:
        return NONE
    return milliseconds(value_ms * 1e6) if math.isfinite(value_ms) else NEVER


def levels_shown(told: Sequence[Mapping[str, float]]) -> list[str]:
    """Percentiles that a table shows of lines: higher ones where there are samples enough for p99.

    Parameters
    ----------
    told
        What is known of each line, by level.
    """
    has_many = any("99" in found for found in told)
    shown = ("50", "99", "99.9") if has_many else ("50", "90")
    return [level for level in shown if any(level in found for found in told)]


def spread(values_ms: tuple[float, ...]) -> str:
    """The least and the greatest of the rounds."""
    if len(values_ms) < 2:
        return ""
    return f"{in_ms(min(values_ms))} – {in_ms(max(values_ms))}"
