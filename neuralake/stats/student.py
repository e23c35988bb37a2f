"""Student's t in the terms of the tests: tails, quantiles, and normal values of equal tail.

The distributions are SciPy's, which is loaded by the first call and by nothing else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def t_tail(t: npt.ArrayLike, df: npt.ArrayLike) -> Array:
    """Upper tail: the probability that Student's t exceeds a value.

    Parameters
    ----------
    t
        Values.
    df
        Degrees of freedom, 1 or more: of all values, or of each.

    Returns
    -------
    ndarray
        Of the shape to which both are broadcast.
    """
    from scipy.special import stdtr

    return np.asarray(stdtr(df, -np.asarray(t, dtype=float)), dtype=float)


def normal_equivalent(t: npt.ArrayLike, df: npt.ArrayLike) -> Array:
    """The standard normal value with the tail probability of a value of Student's t.

    Parameters
    ----------
    t
        Values.
    df
        Degrees of freedom, 1 or more: of all values, or of each.

    Returns
    -------
    ndarray
        Of the shape to which both are broadcast; within ±38, where a tail leaves the range of a
        float.
    """
    from scipy.special import ndtri

    value = np.asarray(t, dtype=float)
    tail = np.maximum(t_tail(np.abs(value), df), np.finfo(float).tiny)
    return np.asarray(np.copysign(ndtri(tail), value), dtype=float)


def t_quantile(probability: float, df: int) -> float:
    """The value that Student's t stays below with a probability.

    Parameters
    ----------
    probability
        Between 0 and 1, exclusive.
    df
        Degrees of freedom, 1 or more.
    """
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))
