"""How time grows with size: the exponent of a power law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuralake.stats.student import t_quantile


@dataclass(frozen=True)
class PowerLaw:
    """``time = factor · size ** exponent``, fitted.

    Attributes
    ----------
    exponent
        1 where twice the size takes twice the time.
    low, high
        Ends of the exponent's interval; None with fewer than three sizes.
    confidence
        Confidence that was asked for.
    factor
        Time at size 1.
    sizes
        How many different sizes there were.
    """

    exponent: float
    low: float | None
    high: float | None
    confidence: float
    factor: float
    sizes: int

    def __call__(self, size: float) -> float:
        """The fitted time at a size."""
        return float(self.factor * size**self.exponent)


def fit_power_law(
    sizes: Sequence[float], times: Sequence[float], confidence: float = 0.95
) -> PowerLaw:
    """Fit a power law by least squares of the logarithms.

    The interval is that of a slope under normal errors, with Student's t of n − 2 degrees of
    freedom (Draper and Smith, Applied Regression Analysis, 1.4).

    Parameters
    ----------
    sizes, times
        Positive numbers, one time a size; a size may come several times.
    confidence
        Between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two different sizes, or a number is not positive.
    """
    x, y = np.asarray(sizes, dtype=float), np.asarray(times, dtype=float)
    different = len(set(sizes))
    if different < 2 or x.size != y.size:
        raise ValueError("an exponent needs two different sizes or more, and a time for each")
    if not (np.all(x > 0) and np.all(y > 0)):
        raise ValueError("an exponent needs positive sizes and times")
    x, y = np.log(x), np.log(y)
    centred = x - x.mean()
    squares = float(centred @ centred)
    exponent = float(centred @ y) / squares
    intercept = float(y.mean() - exponent * x.mean())
    low = high = None
    if different > 2:
        residuals = y - intercept - exponent * x
        freedom = x.size - 2
        error = math.sqrt(float(residuals @ residuals) / freedom / squares)
        half = t_quantile(0.5 + confidence / 2, freedom) * error
        low, high = exponent - half, exponent + half
    return PowerLaw(exponent, low, high, confidence, math.exp(intercept), different)
