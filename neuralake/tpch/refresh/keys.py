"""Keys of orders: which the generator gives, and which a refresh set inserts.

dbgen uses 8 of every 32 numbers for the orders of a fresh dataset; the rest is left to refresh sets
(TPC-H 4.2.3, ``mk_sparse`` in dbgen's ``build.c``). The i-th order, from 1, has ``order_key(i)``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from neuralake.errors import ParameterError
from neuralake.lists import require_once
from neuralake.tpch.scale import check_scale_factor, row_count

Keys = npt.NDArray[np.int64]
Index = TypeVar("Index", int, Keys)

# Of set 1000 dbgen deletes keys that only earlier sets have inserted.
LAST_SET: Final = 999
_ORDERS_A_SET = 1500  # at scale factor 1
# Generation of all keys that sets 1 to 999 insert
INSERTED: Final = 1
_RANGE = re.compile(r"\s*(?P<first>[0-9]{1,9})\s*(?:-\s*(?P<last>[0-9]{1,9})\s*)?")


def order_key(index: Index, generation: int = 0) -> Index:
    """Key of an order.

    Parameters
    ----------
    index
        Which order, from 1; one number or an array.
    generation
        0 for the orders of a fresh dataset, 1 + floor(u / 1000) for those that set u inserts; up
        to 3.
    """
    return ((index >> 3) << 5) + (generation << 3) + (index & 7)


def index_of(keys: Index) -> Index:
    """Which order a key belongs to, of whatever generation."""
    return ((keys >> 5) << 3) + (keys & 7)


def generation_of(keys: Index) -> Index:
    """Generation of a key."""
    return (keys >> 3) & 3


def orders_of_set(scale_factor: float) -> int:
    """How many orders a set holds: SF · 1500, a fraction of an order cut off.

    Raises
    ------
    DatasetError
        If no dataset has the scale factor.
    """
    check_scale_factor(scale_factor)
    return int(Fraction(str(scale_factor)) * _ORDERS_A_SET)


def indexes_of_set(number: int, scale_factor: float) -> range:
    """The orders that a set replaces.

    Parameters
    ----------
    number
        Of the set, from 1.
    scale_factor
        Of the dataset.

    Raises
    ------
    ParameterError
        If there is no such set.
    """
    check_sets([number])
    count = orders_of_set(scale_factor)
    found = range((number - 1) * count + 1, number * count + 1)
    assert found.stop - 1 <= row_count("orders", scale_factor).start  # noqa: S101 (999 of 1000)
    return found


def check_sets(numbers: Sequence[int]) -> None:
    """Refuse sets that do not exist.

    Raises
    ------
    ParameterError
        If one is out of range or named twice, or there is none.
    """
    if not numbers:
        raise ParameterError("no refresh set is named: expected such as 1 or 1,3-5")
    for number in numbers:
        if not 1 <= number <= LAST_SET:
            raise ParameterError(
                f"refresh set {number} does not exist: expected 1 to {LAST_SET}, each of which "
                "replaces a thousandth of the orders"
            )
    require_once(numbers, "refresh set", ParameterError)


def parse_sets(text: str) -> tuple[int, ...]:
    """The sets that a text such as ``1,3-5`` names, in its order.

    Raises
    ------
    ParameterError
        If it cannot be read, or :func:`check_sets` refuses them.
    """
    numbers: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ParameterError(
                f"{part.strip()!r:.40} is no refresh set: expected numbers and ranges such as 1,3-5"
            )
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if last < first:
            raise ParameterError(f"refresh sets {first}-{last} are none: expected {last}-{first}")
        check_sets([first, last] if first != last else [first])
        numbers += range(first, last + 1)
    check_sets(numbers)
    return tuple(numbers)


@dataclass(frozen=True)
class KeyMapping:
    """Which key an order has once whole pairs of RF1 and RF2 have been applied.

    Attributes
    ----------
    sets
        Whose pairs.
    scale_factor
        Of the dataset.
    """

    sets: tuple[int, ...]
    scale_factor: float

    def __post_init__(self) -> None:
        if self.sets:
            check_sets(self.sets)

    def __call__(self, keys: npt.ArrayLike) -> Keys:
        """The keys now, of orders given by their keys in the fresh dataset."""
        base: Keys = np.asarray(keys, np.int64)
        index = index_of(base)
        set_number = (index - 1) // orders_of_set(self.scale_factor) + 1
        is_replaced = np.isin(set_number, np.array(self.sets, np.int64)) & (
            generation_of(base) == 0
        )
        mapped: Any = np.where(is_replaced, order_key(index, INSERTED), base)
        return mapped.astype(np.int64)  # type: ignore[no-any-return]
