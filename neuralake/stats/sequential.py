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
(:mod:`neuralake.stats.moderated`). And where the two sides of a difference have nothing in common,
as counts that feel no neighbour, both tell of the variance: it is known twice as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from neuralake.stats.moderated import moderate
from neuralake.stats.student import normal_equivalent, t_quantile

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Answer = Literal["more", "less", "unchanged"]

# Looks at differences of which nothing else is known
FEWEST = 4
# Of two sides that are independent of one another
FEWEST_OF_SIDES = 3
# Of which a variance is known well enough for others to be told by it; two sides err less, since
# none of what acts on both is in it
_FEWEST_DF_TO_MODERATE, _FEWEST_DF_OF_SIDES = 7, 6
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
    differences: Array,
    design: Design,
    within: Array | None = None,
    family: int = 1,
    sides: Array | None = None,
) -> list[Decision]:
    """Look after each row of differences, and say what is answered first.

    The first look is at the fourth row, or the third where the sides are known.

    With normal differences that vary as much between as inside, the chance of a false answer is
    0.2 to 1.4 times ``alpha``; if all of their variance lies between, up to 3 times. Of a family,
    one test that varies 2 to 10 times as much as the others let expect errs up to 6 times as
    often as ``alpha``, and a family of 22 up to 1.3 times (benchmarks/detection).

    Parameters
    ----------
    differences
        Of shape (looks, tests), in the order of time; those of one test are independent of one
        another and of equal variance. A test of which there are fewer ends in nan.
    design
        Error rates and effect of each test.
    within
        Of the same shape: the variance of each difference as it is known from the values whose
        mean it is; None if each is one value.
    family
        Number of tests, one after the other, that estimate together how much more than ``within``
        the variance is; a divisor of the number of tests, and 1 if each does so alone.
    sides
        The two values whose difference each is, of shape (2, looks, tests), where they are
        independent of one another: the variance is the sum of both sides', with 2 (looks − 1)
        degrees of freedom. None where they are paired, since something acts on both.

    Returns
    -------
    list
        A decision a test.
    """
    n, tests = differences.shape
    if n < 2:
        return [Decision(None, None, None, None)] * tests
    noise = _Noise(differences, within, family, sides)
    more, less = _Side(design, tests), _Side(design, tests)
    after = np.zeros(tests, dtype=np.int64)
    for look in range(FEWEST if sides is None else FEWEST_OF_SIDES, n + 1):
        seen = noise.at(look, after == 0)
        more.look(seen)
        less.look(seen.mirrored())
        answered = more.crossed | less.crossed | (more.excluded & less.excluded)
        after[(after == 0) & answered] = look
    variance = noise.overall()
    at_most = np.ceil(design.greatest_information * variance)
    answers: list[Answer | None] = [
        "more" if up else "less" if down else "unchanged" if done else None
        for up, down, done in zip(more.crossed, less.crossed, after > 0, strict=True)
    ]
    return [
        Decision(
            answers[test],
            int(after[test]) or None,
            int(at_most[test] if after[test] else max(at_most[test], noise.counts[test] + 1)),
            float(design.fixed_information * variance[test]),
        )
        for test in range(tests)
    ]


@dataclass(frozen=True)
class _Seen:
    """What one look sees, of shape (tests,).

    Attributes
    ----------
    open
        Tests that wait for an answer and have a difference at this look.
    mean, variance, df
        Of the differences so far; how well the variance is known.
    looks
        So far.
    """

    open: Flags
    mean: Array
    variance: Array
    df: Counts
    looks: int

    def mirrored(self) -> _Seen:
        """The same with the signs exchanged."""
        return replace(self, mean=-self.mean)


class _Side:
    """One of the two one-sided tests, of many at once; what it has answered stays."""

    def __init__(self, design: Design, tests: int) -> None:
        self._design = design
        self.crossed = np.zeros(tests, dtype=bool)
        self.excluded = np.zeros(tests, dtype=bool)

    def look(self, seen: _Seen) -> None:
        """Answer "more", or "not more", where a boundary is crossed for the first time."""
        root = np.sqrt(seen.looks / seen.variance)
        more, not_more = self._design.boundaries(root**2, seen.looks)
        waiting = seen.open & ~self.crossed & ~self.excluded
        above = normal_equivalent(seen.mean * root, seen.df) >= more
        below = normal_equivalent((self._design.effect - seen.mean) * root, seen.df) >= not_more
        self.crossed |= waiting & above
        self.excluded |= waiting & below & ~above


class _Noise:
    """Means and variances of the differences, look by look."""

    def __init__(
        self, differences: Array, within: Array | None, family: int, sides: Array | None
    ) -> None:
        n, tests = differences.shape
        there = ~np.isnan(differences)
        self.counts: Counts = there.sum(axis=0)
        self._first = differences[0]
        # so that squares do not swallow the differences
        centred = np.where(there, differences - self._first, 0)
        self._sums = np.cumsum(centred, axis=0)
        told = centred[None] if sides is None else np.where(there, sides - sides[:, :1], 0)
        self._told = np.cumsum(told, axis=1), np.cumsum(told**2, axis=1)
        self._inside = np.zeros((n, tests))
        if within is not None:
            self._inside = np.cumsum(np.where(there, within, 0), axis=0)
        self._least = _tiny(np.where(there, differences, 0))
        self._family = family
        self._fewest_df = _FEWEST_DF_TO_MODERATE if sides is None else _FEWEST_DF_OF_SIDES
        self._variance, self._known = np.zeros(tests), np.zeros(tests)

    def at(self, look: int, waiting: Flags) -> _Seen:
        """What a look sees; a test that does not wait tells the others what it told before."""
        mean, variance, known = self._moments(look)
        there = waiting & (self.counts >= look)
        self._variance = np.where(there, variance, self._variance)
        self._known = np.where(there, known, self._known)
        variance, df = self._judged(look)
        return _Seen(there, mean, variance, df, look)

    def overall(self) -> Array:
        """The variances by all differences."""
        look = self._sums.shape[0]
        _, self._variance, self._known = self._moments(look)
        return self._judged(look)[0]

    def _moments(self, look: int) -> tuple[Array, Array, Array]:
        """Mean and variance of the first differences, and the mean of their variances inside."""
        count = np.minimum(look, self.counts)
        sums, squares = (told[:, look - 1] for told in self._told)
        variances = np.maximum(squares - sums**2 / count, 0) / np.maximum(count - 1, 1)
        mean = self._first + self._sums[look - 1] / count
        return mean, variances.sum(axis=0), self._inside[look - 1] / count

    def _judged(self, look: int) -> tuple[Array, Counts]:
        """The variances to go by, and their degrees of freedom."""
        known_df = (look - 1) * len(self._told[0])
        variance, df = self._variance, np.full(self._variance.shape, known_df)
        if known_df >= self._fewest_df:
            # a few pairs of two sides: one that is told nothing waits for as many again
            of_sides = len(self._told[0]) > 1
            moderated = moderate(
                variance, self._known, known_df, self._family, is_told_above=of_sides
            )
            variance, df = moderated.variance, moderated.df
        return np.maximum(variance, np.maximum(self._known, self._least)), df


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


def estimate(differences: Array, confidence: float = 0.95, sides: Array | None = None) -> Estimate:
    """Mean of independent differences with Student's interval.

    Parameters
    ----------
    differences
        One-dimensional, one or more.
    confidence
        Between 0 and 1.
    sides
        The values whose differences they are, of shape (2, n), as of :func:`decide`; or None.
    """
    n, mean = differences.size, float(np.mean(differences))
    if n < 2:
        return Estimate(mean, None, None)
    told = differences[None] if sides is None else sides
    error = math.sqrt(float(np.var(told, axis=1, ddof=1).sum()) / n)
    half = t_quantile(0.5 + confidence / 2, (n - 1) * len(told)) * error
    return Estimate(mean, mean - half, mean + half)
