"""Variances that many tests estimate together.

Of a handful of values a variance is known badly, and a test that has to allow for that needs many
more of them. Where a run has many tests, each of whose variances is known up to a factor, the
factor of one is also told by the others: as far as they agree (Smyth, Linear models and empirical
Bayes methods for assessing differential expression in microarray experiments, Statistical
Applications in Genetics and Molecular Biology 3, 2004: the moderated t-statistic).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Degrees of freedom beyond which Student's t is as good as normal.
MOST = 240
# Fewer tests than this can not tell how far they agree.
FEWEST_TESTS = 6


@dataclass(frozen=True)
class Moderated:
    """Variances with what the other tests say of them.

    Attributes
    ----------
    variance
        Of each test, of shape (tests,).
    df
        Degrees of freedom with which each is known.
    """

    variance: Array
    df: Counts


def moderate(variance: Array, expected: Array, df: int, family: int) -> Moderated:
    """Draw variances up to what the tests of their family show.

    The ratio of a variance to what is expected of it is taken to be one draw from a scaled inverse
    chi-squared distribution, whose scale and degrees of freedom are estimated from all ratios of
    the family by the moments of their logarithms (Smyth 2004, section 6.2).

    Only a test whose own ratio is not above its family's is drawn, upwards: no variance becomes
    less than its own estimate, and what falls is the allowance for not knowing it. One above may
    stand out for a reason (after Phipson and others, Robust hyperparameter estimation protects
    against hypervariable genes, Annals of Applied Statistics 10, 2016), and is left to itself.

    Parameters
    ----------
    variance
        As estimated from the values of each test, of shape (tests,).
    expected
        Up to a factor, of the same shape; tests with none above 0 keep their own.
    df
        Degrees of freedom of ``variance``.
    family
        Number of tests, one after the other, that are taken together; a divisor of ``tests``.
    """
    own = Moderated(variance, np.full(variance.shape, df))
    known = (variance > 0) & (expected > 0)
    if family < FEWEST_TESTS or df > MOST or not known.all():
        return own
    ratios = (variance / expected).reshape(-1, family)
    logs = np.log(ratios) - _MEAN_LOG[df]
    excess = np.var(logs, axis=1, ddof=1) - _TRIGAMMA[df]
    prior_df = np.interp(-excess, -_TRIGAMMA[1:], np.arange(1, MOST + 1), left=0)
    mean_log = np.interp(prior_df, np.arange(1, MOST + 1), _MEAN_LOG[1:])
    scale = np.exp(logs.mean(axis=1) + mean_log)[:, None]
    weight = np.where(ratios <= scale, prior_df[:, None], 0)
    drawn = (weight * scale + df * ratios) / (weight + df)
    together = np.minimum((weight + df).reshape(-1).astype(np.int64), MOST)
    return Moderated(drawn.reshape(-1) * expected, together)


def _tables() -> tuple[Array, Array]:
    """Mean and variance of the logarithm of chi-squared ÷ df, for df from 1 (0 has no meaning)."""
    mean, variance = np.full(MOST + 1, math.nan), np.full(MOST + 1, math.nan)
    digamma = [math.nan, -np.euler_gamma - 2 * math.log(2), -np.euler_gamma]
    trigamma = [math.nan, math.pi**2 / 2, math.pi**2 / 6]
    for df in range(1, MOST + 1):
        mean[df], variance[df] = digamma[df] - math.log(df / 2), trigamma[df]
        digamma.append(digamma[df] + 2 / df)
        trigamma.append(trigamma[df] - 4 / df**2)
    return mean, variance


_MEAN_LOG, _TRIGAMMA = _tables()
