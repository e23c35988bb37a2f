"""How latencies are written where some never came to an end."""

from __future__ import annotations

import math

from neuralake.report.numbers import NONE, milliseconds

NEVER = "never"


def in_ms(value_ms: float | None) -> str:
    """Milliseconds; ``never`` of a percentile among what never came to an end."""
    if value_ms is None:
        return NONE
    return milliseconds(value_ms * 1e6) if math.isfinite(value_ms) else NEVER


def spread(values_ms: tuple[float, ...]) -> str:
    """The least and the greatest of the rounds."""
    if len(values_ms) < 2:
        return ""
    return f"{in_ms(min(values_ms))} – {in_ms(max(values_ms))}"
