"""A sequential test with three answers: more, less, or no change that matters.

Two one-sided triangular tests (Whitehead, The Design and Analysis of Sequential Clinical Trials,
2nd edition 1997, chapter 4) run side by side on the mean of independent, paired differences. The
first asks "0, or +effect?", the second "0, or −effect?". A test that has answered stays with its
answer, so that its error rate holds however often it is looked at.

The variance is not known beforehand. At each look the statistic with the variance estimated so
far is translated into the normal one of equal tail probability (the significance level approach:
Jennison and Turnbull, Group Sequential Methods, 2000, 4.4). A variance that is too small by chance
would also make the boundaries think that the end is near; where each difference is itself a mean,
its variance inside is known from more values, and the variance is never taken to be less. Where
many tests are made of the same values, they estimate together by which factor it is more
(:mod:`neuralake.stats.moderated`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from neuralake.stats.moderated import moderate
from neuralake.stats.student import normal_equivalent, t_quantile

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Answer = Literal["more", "less", "unchanged"]

FEWEST = 4
FEWEST_TO_MODERATE = 8
_NEVER = np.iinfo(np.int64).max
_NORMAL = NormalDist()
# Half the expected overshoot of a random walk over a boundary (Siegmund 1985; Whitehead 4.3).
_OVERSHOOT = 0.583
# Of the error rate, what one look may add beyond the triangle: 50 looks add a tenth.
_SHARE_OF_ALPHA = 0.002


@dataclass(frozen=True)
class Design:
    """What a test may get wrong.

    Attributes
    ----------
    effect
        Smallest difference that matters, above 0.
    alpha
        Chance to answer ``more`` or ``less`` where there is no difference, both together.
    beta
        Chance not to answer ``more`` where the difference is ``effect``. That of 0.025 makes
        ``unchanged`` agree with an interval of 95 %.
    """

    effect: float
    alpha: float
    beta: float = 0.025

    @property
    def fixed_information(self) -> float:
        """Number ÷ variance of the differences that a test of fixed size needs.

        ((z(1 − α/2) + z(1 − β)) / effect)²: times the variance, the number of differences of a
        test that knows the variance beforehand and looks once.
        """
        return ((self._z_alpha + self._z_beta) / self.effect) ** 2

    @property
    def greatest_information(self) -> float:
        """Number ÷ variance of the differences at which the boundaries meet."""
        return self._intercept / self._slope

    @property
    def _z_alpha(self) -> float:
        return _NORMAL.inv_cdf(1 - self.alpha / 2)

    @property
    def _z_beta(self) -> float:
        return _NORMAL.inv_cdf(1 - self.beta)

    @property
    def _reference(self) -> float:
        """The effect for which the triangle of equal errors alpha / 2 has the power 1 − beta."""
        return 2 * self._z_alpha / (self._z_alpha + self._z_beta) * self.effect

    @property
    def _intercept(self) -> float:
        return 2 / self._reference * math.log(1 / self.alpha)

    @property
    def _slope(self) -> float:
        return self._reference / 4

    def boundaries(self, information: Array, looks: int) -> tuple[Array, Array]:
        """Boundaries in standard errors, from 0 upwards and from the effect downwards.

        Beyond the information at which they meet, as after one large step, they stay. What is as
        good as impossible without a difference is one at any look, however little is known.

        Parameters
        ----------
        information
            Number ÷ variance so far.
        looks
            Looks so far, with equal steps; the expected overshoot of one step is taken off.

        Returns
        -------
        tuple of ndarray
            Standard errors above 0 that answer "more", and below the effect that answer "not more".
        """
        used = np.minimum(information, self.greatest_information)
        root, overshoot = np.sqrt(used), _OVERSHOOT / math.sqrt(looks)
        more = self._intercept / root + self._slope * root - overshoot
        more = np.minimum(more, _NORMAL.inv_cdf(1 - self.alpha / 2 * _SHARE_OF_ALPHA))
        not_more = (self.effect - 3 * self._slope) * root + self._intercept / root - overshoot
        return more, not_more


@dataclass(frozen=True)
class Decision:
    """What a test has answered.

    Attributes
    ----------
    answer
        None while it has none.
    after
        Number of differences that it took, or None.
    at_most
        Number of differences beyond which it has answered, with the variance seen so far; None
        while there are fewer than two.
    fixed_size
        Number of differences of a test of fixed size with that variance known beforehand.
    """

    answer: Answer | None
    after: int | None
    at_most: int | None
    fixed_size: float | None


def decide(
    differences: Array, design: Design, within: Array | None = None, family: int = 1
) -> list[Decision]:
    """Look after each row of differences, from the fourth on, and say what is answered first.

    With normal differences that vary as much between as inside, the chance of a false answer is
    0.2 to 1.4 times ``alpha``; if all of their variance lies between, up to 3 times. Of a family,
    one test that varies 2 to 10 times as much as the others let expect errs up to 20 times as
    often as ``alpha``, and the family of 22 with it up to 1.6 times (benchmarks/detection).

    Parameters
    ----------
    differences
        Of shape (looks, tests), in the order of time; those of one test are independent of one
        another and of equal variance.
    design
        Error rates and effect of each test.
    within
        Of the same shape: the variance of each difference as it is known from the values whose
        mean it is; None if each is one value.
    family
        Number of tests, one after the other, that estimate together how much more than ``within``
        the variance is; a divisor of the number of tests, and 1 if each does so alone.

    Returns
    -------
    list
        A decision a test.
    """
    n, tests = differences.shape
    if n < 2:
        return [Decision(None, None, None, None)] * tests
    known = np.zeros(differences.shape)
    if within is not None:
        known = np.cumsum(within, axis=0) / np.arange(1, n + 1)[:, None]
    noise = _Noise(known, _tiny(differences), family)
    variances, _ = noise.at(n, np.var(differences, axis=0, ddof=1))
    more, not_more = _first_crossings(differences, design, noise)
    less, not_less = _first_crossings(-differences, design, noise)
    decisions = []
    for test in range(tests):
        answer, after = _answer(*(int(x[test]) for x in (more, not_more, less, not_less)))
        at_most = math.ceil(design.greatest_information * variances[test])
        decisions.append(
            Decision(
                answer,
                after,
                at_most if answer else max(at_most, n + 1),
                float(design.fixed_information * variances[test]),
            )
        )
    return decisions


def _answer(more: int, not_more: int, less: int, not_less: int) -> tuple[Answer | None, int | None]:
    """The first answer of both tests together; a test stays with its own."""
    found: list[tuple[int, Answer]] = []
    if more <= min(not_more, _NEVER - 1):
        found.append((more, "more"))
    if less <= min(not_less, _NEVER - 1):
        found.append((less, "less"))
    if found:
        after, answer = min(found)
        return answer, after
    neither = max(not_more, not_less)
    return ("unchanged", neither) if neither < _NEVER else (None, None)


@dataclass(frozen=True)
class _Noise:
    """How variances are judged.

    Attributes
    ----------
    known
        Mean of the variances inside up to each look, of shape (looks, tests); 0 if not known.
    least
        A variance to divide by where all differences are equal.
    family
        Number of tests that estimate together.
    """

    known: Array
    least: float
    family: int

    def at(self, looks: int, variance: Array) -> tuple[Array, Counts]:
        """The variance to go by after a number of looks, and its degrees of freedom."""
        known = self.known[looks - 1]
        df = np.full(variance.shape, looks - 1)
        if looks >= FEWEST_TO_MODERATE:
            moderated = moderate(variance, known, looks - 1, self.family)
            variance, df = moderated.variance, moderated.df
        return np.maximum(variance, np.maximum(known, self.least)), df


def _first_crossings(differences: Array, design: Design, noise: _Noise) -> tuple[Counts, Counts]:
    """Look at which each boundary is crossed for the first time, for each test."""
    n, tests = differences.shape
    first_more = np.full(tests, _NEVER)
    first_not_more = np.full(tests, _NEVER)
    centred = differences - differences[0]  # so that squares do not swallow the differences
    sums, squares = np.cumsum(centred, axis=0), np.cumsum(centred**2, axis=0)
    for k in range(FEWEST, n + 1):
        mean = differences[0] + sums[k - 1] / k
        variance, df = noise.at(k, (squares[k - 1] - sums[k - 1] ** 2 / k) / (k - 1))
        root = np.sqrt(k / variance)
        more, not_more = design.boundaries(root**2, k)
        for first, distance, boundary in (
            (first_more, mean, more),
            (first_not_more, design.effect - mean, not_more),
        ):
            reached = normal_equivalent(distance * root, df) >= boundary
            first[reached & (first == _NEVER)] = k
    return first_more, first_not_more


def _tiny(differences: Array) -> float:
    """A variance to divide by where all differences are equal."""
    return float(np.finfo(float).eps * (1e-6 + np.max(np.abs(differences))) ** 2)


@dataclass(frozen=True)
class Estimate:
    """A mean and its interval.

    Attributes
    ----------
    mean
        Of the differences.
    low, high
        Ends of the interval; None with fewer than two differences.
    """

    mean: float
    low: float | None
    high: float | None


def estimate(differences: Array, confidence: float = 0.95) -> Estimate:
    """Mean of independent differences with Student's interval.

    Parameters
    ----------
    differences
        One-dimensional, one or more.
    confidence
        Between 0 and 1.
    """
    n, mean = differences.size, float(np.mean(differences))
    if n < 2:
        return Estimate(mean, None, None)
    error = float(np.std(differences, ddof=1)) / math.sqrt(n)
    half = t_quantile(0.5 + confidence / 2, n - 1) * error
    return Estimate(mean, mean - half, mean + half)
