"""Rows of two results paired: those that are equal, and those that are a little off.

Rows are paired by the hash of what must be equal; among rows of one hash by their numbers in
ascending order, and where that pairs numbers that are too far apart, by a matching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neuralake.queries.hashing import Floats, Hashes, Indices, Leaf
from neuralake.queries.shape import Tolerance

_PAIRS_AT_ONCE = 1 << 20
# A matching compares each row with each: of a greater group only the rows that are left over
_LARGEST_GROUP = 512
_MOST_GROUPS = 10_000


@dataclass(frozen=True)
class HashedRows:
    """What is needed of a result to compare it: 8 bytes a row, and 8 a number that may be off.

    Attributes
    ----------
    hashes
        (n,) of what must be equal in each row.
    leaves
        The numbers that may be a little off.
    """

    hashes: Hashes
    leaves: tuple[Leaf, ...]


def unpaired(actual: HashedRows, expected: HashedRows) -> tuple[Indices, Indices]:
    """The rows of each side that have no partner on the other.

    Parameters
    ----------
    actual, expected
        Of the same number of rows, and hashed by the same shapes.

    Returns
    -------
    tuple of ndarray
        Indices into each side, as many of the one as of the other; empty if the sides are equal.
    """
    same_place = np.arange(len(actual.hashes))
    if (
        np.array_equal(actual.hashes, expected.hashes)
        and not _too_far(actual, expected, same_place, same_place).any()
    ):
        return same_place[:0], same_place[:0]
    lost: list[Indices] = []
    rows: list[Indices] = []
    sides = (_sorted(actual), _sorted(expected))
    if np.array_equal(actual.hashes[sides[0]], expected.hashes[sides[1]]):
        lost, rows = [side[:0] for side in sides], list(sides)
    else:
        own, others = (
            side.hashes[order] for side, order in zip((actual, expected), sides, strict=True)
        )
        for order, there in zip(
            sides, (_has_partner(own, others), _has_partner(others, own)), strict=True
        ):
            lost.append(order[~there])
            rows.append(order[there])
    apart = _too_far(actual, expected, *rows)
    if apart.any():
        apart = _rematched(actual, expected, rows[0], rows[1], apart)
    return (
        np.concatenate((lost[0], rows[0][apart])),
        np.concatenate((lost[1], rows[1][apart])),
    )


def close(actual: Floats, expected: Floats, tolerance: Tolerance) -> npt.NDArray[np.bool_]:
    """Whether numbers agree, each with its counterpart."""
    with np.errstate(over="ignore"):
        allowed = tolerance.relative * np.maximum(np.abs(actual), np.abs(expected))
        near: npt.NDArray[np.bool_] = np.abs(actual - expected) <= np.maximum(
            allowed, tolerance.absolute
        )
    return near


def _sorted(side: HashedRows) -> Indices:
    """Rows by their hash, and where several have the same, by their numbers."""
    order: Indices = np.argsort(side.hashes, kind="stable")
    if not side.leaves:
        return order
    hashes = side.hashes[order]
    repeats = hashes[1:] == hashes[:-1]
    shared = np.concatenate((repeats, [False])) | np.concatenate(([False], repeats))
    rows = order[shared]
    keys = [_sort_key(leaf, len(order))[rows] for leaf in side.leaves]
    order[shared] = rows[np.lexsort((*reversed(keys), side.hashes[rows]))]
    return order


def _sort_key(leaf: Leaf, count: int) -> Floats:
    """A number a row: of a list the sum."""
    if leaf.rows is None:
        return leaf.values
    sums: Floats = np.bincount(leaf.rows, weights=leaf.values, minlength=count).astype(np.float64)
    return sums


def _has_partner(hashes: Hashes, others: Hashes) -> npt.NDArray[np.bool_]:
    """Which of sorted hashes are among the others, the n-th of the same if there are n of them."""
    begins, ends = (
        np.searchsorted(others, hashes, side="left"),
        np.searchsorted(others, hashes, side="right"),
    )
    places = np.arange(len(hashes))
    first = np.concatenate(([True], hashes[1:] != hashes[:-1]))
    earlier = places - np.maximum.accumulate(np.where(first, places, 0))
    there: npt.NDArray[np.bool_] = earlier < ends - begins
    return there


def _too_far(
    actual: HashedRows, expected: HashedRows, rows: Indices, partners: Indices
) -> npt.NDArray[np.bool_]:
    """Which pairs of rows have a number that is too far from its counterpart."""
    apart = np.zeros(len(rows), np.bool_)
    for mine, theirs in zip(actual.leaves, expected.leaves, strict=True):
        count = len(actual.hashes)
        own, other = _Lists.of(mine, count), _Lists.of(theirs, count)
        for start in range(0, len(rows), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            a, places = own.of_rows(rows[part])
            b, _ = other.of_rows(partners[part])
            far = ~close(a, b, mine.tolerance)
            apart[part][places[far] if places is not None else far] = True
    return apart


@dataclass(frozen=True)
class _Lists:
    """The numbers of a leaf by row."""

    leaf: Leaf
    lengths: Indices | None
    starts: Indices | None

    @classmethod
    def of(cls, leaf: Leaf, count: int) -> _Lists:
        if leaf.rows is None:
            return cls(leaf, None, None)
        lengths = np.bincount(leaf.rows, minlength=count).astype(np.int64)
        return cls(leaf, lengths, np.cumsum(lengths) - lengths)

    def of_rows(self, rows: Indices) -> tuple[Floats, Indices | None]:
        """The numbers of some rows, and of each the place of its row among them."""
        if self.lengths is None or self.starts is None:
            return self.leaf.values[rows], None
        lengths = self.lengths[rows]
        places = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(len(places)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self.leaf.values[self.starts[rows][places] + within], places


def _rematched(
    actual: HashedRows,
    expected: HashedRows,
    rows: Indices,
    partners: Indices,
    apart: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Which pairs stay apart when rows of one hash may have each other's partners."""
    apart = apart.copy()
    hashes = actual.hashes[rows]
    groups = np.unique(hashes[apart])
    if len(groups) > _MOST_GROUPS:
        return apart
    for group in groups:
        first, last = (np.searchsorted(hashes, group, side) for side in ("left", "right"))
        members = np.arange(first, last)
        if len(members) > _LARGEST_GROUP:
            members = members[apart[members]]
        if len(members) > _LARGEST_GROUP:
            continue
        near = _near(actual, expected, rows[members], partners[members])
        if _has_perfect_matching(near):
            apart[members] = False
    return apart


def _near(
    actual: HashedRows, expected: HashedRows, rows: Indices, partners: Indices
) -> npt.NDArray[np.bool_]:
    """(m, m): which row agrees with which partner; all of them are of one hash."""
    count = len(rows)
    near = np.ones((count, count), np.bool_)
    for mine, theirs in zip(actual.leaves, expected.leaves, strict=True):
        size = len(actual.hashes)
        a = _Lists.of(mine, size).of_rows(rows)[0].reshape(count, -1)
        b = _Lists.of(theirs, size).of_rows(partners)[0].reshape(count, -1)
        for column in range(a.shape[1]):
            near &= close(a[:, column, None], b[None, :, column], mine.tolerance)
    return near


def _has_perfect_matching(near: npt.NDArray[np.bool_]) -> bool:
    """By augmenting paths (Kuhn, Naval Research Logistics Quarterly 2, 1955)."""
    options = [np.flatnonzero(row).tolist() for row in near]
    partner_of: dict[int, int] = {}
    return all(_augment(row, options, partner_of, set()) for row in range(len(options)))


def _augment(
    row: int, options: Sequence[Sequence[int]], taken: dict[int, int], seen: set[int]
) -> bool:
    for column in options[row]:
        if column in seen:
            continue
        seen.add(column)
        if column not in taken or _augment(taken[column], options, taken, seen):
            taken[column] = row
            return True
    return False
