"""When numbered records were reached, by what was seen of them at some moments: as arrays.

Records of one producer are numbered from 0 without a gap, and come in order. Whoever has seen that
all below a number are there needs no more than this number, the *end*, to know of each record
whether it was there: so a poll is a pair of an end and a moment, however many records there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Moments = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Reached:
    """Up to where records were reached, and when.

    Attributes
    ----------
    ends
        All records with a smaller number were there; they rise, of shape (n,).
    first_ns
        At which moment an end was known first; they do not fall, of shape (n,).
    before_ns
        The latest moment at which it was known not to be reached, of shape (n,).
    """

    ends: Moments
    first_ns: Moments
    before_ns: Moments

    def intervals(self, first: int, end: int, unknown_ns: int) -> tuple[Moments, Moments]:
        """Between which moments each of some records in a row was reached.

        Parameters
        ----------
        first, end
            Their numbers: from ``first`` up to, but without, ``end``.
        unknown_ns
            The lower moment where nothing was looked at before.

        Returns
        -------
        tuple
            Two arrays of shape (end - first,): the last moment without the record, and the first
            with it. Both are ``NEVER`` of records that were not reached.
        """
        places = np.searchsorted(self.ends, np.arange(first, end), side="right")
        known = places < self.ends.size
        with_ns = np.full(places.size, NEVER)
        without_ns = np.full(places.size, NEVER)
        with_ns[known] = self.first_ns[places[known]]
        without_ns[known] = np.maximum(self.before_ns[places[known]], unknown_ns)
        return without_ns, with_ns


def reached(
    ends: npt.ArrayLike, at_ns: npt.ArrayLike, unsure_ns: npt.ArrayLike | None = None
) -> Reached:
    """What a series of observations says.

    Parameters
    ----------
    ends
        Up to where records were there, in any order, of shape (n,).
    at_ns
        When that was observed, of shape (n,).
    unsure_ns
        Of moments at which records came, and not only were found: by how much later than told that
        may have been, each or all. None of observations, before which they may have come at any
        moment since the observation before.
    """
    moments = np.asarray(at_ns, dtype=np.int64)
    order = np.argsort(moments, kind="stable")
    moments = moments[order]
    highest = np.maximum.accumulate(np.asarray(ends, dtype=np.int64)[order])
    # where the end has risen; the observation before was without whatever is new
    rises = np.flatnonzero(np.diff(highest, prepend=0) > 0)
    if unsure_ns is not None:
        latest = moments + np.broadcast_to(np.asarray(unsure_ns, np.int64), moments.shape)[order]
        # What had come by then had all that is below it come, too
        latest = np.minimum.accumulate(latest[::-1])[::-1]
        return Reached(highest[rises], latest[rises], moments[rises])
    before = np.where(rises > 0, moments[rises - 1], -NEVER)
    return Reached(highest[rises], moments[rises], before)
