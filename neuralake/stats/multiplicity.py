"""Many tests at once."""

from __future__ import annotations

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> tuple[tuple[bool, ...], float]:
    """Which hypotheses are rejected at a rate of false discoveries, and the level for each.

    Benjamini and Hochberg, Controlling the false discovery rate (Journal of the Royal Statistical
    Society B 57, 1995). Where no hypothesis is false, this is also the probability of any
    rejection. What is tested within a rejected one is tested at the level returned, R·rate ÷ m for
    R of m rejected (Benjamini and Bogomolov, Selective inference on multiple families of
    hypotheses, the same journal 76, 2014).

    Parameters
    ----------
    p_values
        One a hypothesis.
    rate
        Between 0 and 1.

    Returns
    -------
    tuple
        Whether each is rejected; and the level, rate ÷ m if none is.
    """
    m = len(p_values)
    ordered = sorted(p_values)
    rejected = max((i for i, p in enumerate(ordered, 1) if p <= i * rate / m), default=0)
    level = max(rejected, 1) * rate / max(m, 1)
    return tuple(rejected > 0 and p <= level for p in p_values), level
