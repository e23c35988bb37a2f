"""What others would have said of the same samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rule = Callable[[Array, Array], bool]


def asv_rule(factor: float) -> Rule:
    """The rule of asv 0.6 (``asv compare``, ``asv continuous``): its test, and then a factor.

    The medians must differ by the factor and the samples by asv's own significance test, which is
    called here (``asv._stats.is_different``: Mann-Whitney at 0.002, or intervals of 99 % for few
    samples).
    """
    from asv._stats import is_different
    from asv_runner.statistics import compute_stats

    def rule(base: Array, candidate: Array) -> bool:
        if not float(np.median(base)) < float(np.median(candidate)) / factor:
            return False
        stats = [compute_stats(list(samples), 1)[1] for samples in (base, candidate)]
        return bool(is_different(list(base), list(candidate), *stats))

    return rule


def median_rule(factor: float) -> Rule:
    """pytest-benchmark's ``--benchmark-compare-fail=median:5%`` for a factor of 1.05."""
    return lambda base, candidate: bool(np.median(candidate) > factor * np.median(base))


def minimum_rule(factor: float) -> Rule:
    """The habit of min-of-N: the fastest executions against each other."""
    return lambda base, candidate: bool(np.min(candidate) > factor * np.min(base))


def rules() -> dict[str, Rule]:
    """All of them, by the names they have in tables."""
    return {
        "asv, factor 1.05": asv_rule(1.05),
        "asv, factor 1.1": asv_rule(1.1),
        "pytest-benchmark, median:5%": median_rule(1.05),
        "min of N, 5 %": minimum_rule(1.05),
    }
