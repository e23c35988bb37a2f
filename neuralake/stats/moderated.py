"""Variances that many tests estimate together.

Of a handful of values a variance is known badly, and a test that has to allow for that needs many
more of them. Where a run has many tests, each of whose variances is known up to a factor, the
factor of one is also told by the others: as far as they agree (Smyth, Linear models and empirical
Bayes methods for assessing differential expression in microarray experiments, Statistical
Applications in Genetics and Molecular Biology 3, 2004: the moderated t-statistic).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

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


def moderate(
    variance: Array, expected: Array, df: int, family: int, *, is_told_above: bool = False
) -> Moderated:
    """Draw variances up to what the tests of their family show.

    The ratio of a variance to what is expected of it is taken to be one draw from a scaled inverse
    chi-squared distribution, whose scale and degrees of freedom are estimated from all ratios of
    the family by the moments of their logarithms (Smyth 2004, section 6.2).

    No variance becomes less than its own estimate: one below its family's is drawn upwards, and
    one above keeps its own. What falls is the allowance for not knowing it. One above may stand out
    for a reason: it is told nothing by the others, or as far as chance explains it.

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
    is_told_above
        Whether the others tell of a variance above theirs, too, as far as chance explains it.
    """
    own = Moderated(variance, np.full(variance.shape, df))
    known = (variance > 0) & (expected > 0)
    if family < FEWEST_TESTS or df > MOST or not known.all():
        return own
    log_mean, log_variance = log_chi_squared_moments()
    ratios = (variance / expected).reshape(-1, family)
    logs = np.log(ratios) - log_mean[df]
    excess = np.var(logs, axis=1, ddof=1) - log_variance[df]
    prior_df = np.interp(-excess, -log_variance[1:], np.arange(1, MOST + 1), left=0)
    mean_log = np.interp(prior_df, np.arange(1, MOST + 1), log_mean[1:])
    scale = np.exp(logs.mean(axis=1) + mean_log)[:, None]
    shares = np.where(ratios <= scale, 1.0, 0.0)
    if is_told_above:
        shares = np.maximum(shares, _belonging(ratios / scale, df, prior_df[:, None]))
    weight = prior_df[:, None] * shares
    drawn = np.maximum((weight * scale + df * ratios) / (weight + df), ratios)
    together = np.minimum((weight + df).reshape(-1).astype(np.int64), MOST)
    return Moderated(drawn.reshape(-1) * expected, together)


def _belonging(ratios: Array, df: int, prior_df: Array) -> Array:
    """How far chance explains that a test varies so much in its family, from 0 to 1.

    The chance that a variance is so great by itself ÷ the share of the family that is expected to
    be as great: the greatest of 22 is measured by what the greatest of 22 may be (Phipson and
    others, Robust hyperparameter estimation protects against hypervariable genes, Annals of
    Applied Statistics 10, 2016, section 3.3). None belongs more than one that varies less.

    Parameters
    ----------
    ratios
        Of each variance to its family's, of shape (families, tests).
    df
        Degrees of freedom of each variance.
    prior_df
        Of the family's, of shape (families, 1).
    """
    from scipy.special import fdtrc

    greatest_first = np.argsort(-ratios, axis=1)
    beyond = fdtrc(df, np.maximum(prior_df, 1), np.take_along_axis(ratios, greatest_first, axis=1))
    expected = (np.arange(ratios.shape[1]) + 0.5) / ratios.shape[1]
    shares = np.maximum.accumulate(np.minimum(beyond / expected, 1), axis=1)
    found = np.empty_like(ratios)
    np.put_along_axis(found, greatest_first, shares, axis=1)
    return found


@cache
def log_chi_squared_moments() -> tuple[Array, Array]:
    """Mean and variance of the logarithm of chi-squared ÷ df (Smyth 2004, section 6.2).

    Returns
    -------
    tuple of ndarray
        For df from 0, of shape (MOST + 1,); nan for 0, which has no meaning.
    """
    from scipy.special import digamma, polygamma

    half = np.arange(1, MOST + 1) / 2
    mean, variance = np.full(MOST + 1, np.nan), np.full(MOST + 1, np.nan)
    mean[1:], variance[1:] = digamma(half) - np.log(half), polygamma(1, half)
    return mean, variance
