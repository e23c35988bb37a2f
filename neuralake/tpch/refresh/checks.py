"""Whether tables hold exactly what refresh sets leave: rows, keys, items and money.

Orders and items are read once each, by their keys and amounts alone; memory is three bytes an order
that the dataset has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from neuralake.catalog.delta import DeltaTable
from neuralake.delta.rows import FilesDataset
from neuralake.tpch.refresh.keys import (
    Keys,
    generation_of,
    index_of,
    indexes_of_set,
    order_key,
)
from neuralake.tpch.refresh.staged import Staged, Totals
from neuralake.tpch.scale import row_count

_Bits = npt.NDArray[np.uint8]
_GENERATIONS = 2  # base orders, and those that sets 1 to 999 insert


@dataclass(frozen=True)
class Check:
    """One thing that must be so.

    Attributes
    ----------
    name
        What it is about.
    passed
        Whether it is so.
    expected, found
        The figures, as text.
    """

    name: str
    passed: bool
    expected: str
    found: str

    def __str__(self) -> str:
        mark = "ok" if self.passed else "FAILED"
        return f"{self.name}: {mark}, {self.found}; expected {self.expected}"


def table_totals(orders: DeltaTable, lineitem: DeltaTable) -> Totals:
    """What two tables add up to, to be held against what they add up to later."""
    rows, money = 0, Decimal(0)
    for batch in _batches(orders, ("o_totalprice",)):
        rows += batch.num_rows
        money += _sum(batch.column(0))
    items, prices = 0, Decimal(0)
    for batch in _batches(lineitem, ("l_extendedprice",)):
        items += batch.num_rows
        prices += _sum(batch.column(0))
    return Totals(rows, items, money, prices)


def check_tables(
    tables: Mapping[str, DeltaTable],
    fresh: Totals,
    staged: Staged,
    inserted: Collection[int],
    deleted: Collection[int],
) -> tuple[Check, ...]:
    """Compare tables with what they must hold after some refresh functions.

    Parameters
    ----------
    tables
        ``orders`` and ``lineitem``, each at the version that is to be looked at.
    fresh
        Totals of the fresh tables (:func:`table_totals`).
    staged
        The sets, all that are named by the other arguments.
    inserted
        Numbers of the sets whose RF1 is in both tables, whole.
    deleted
        Numbers of those whose RF2 is.

    Returns
    -------
    tuple of Check
        All of them, passed or not.

    Raises
    ------
    CatalogError
        If a table cannot be read, or has other columns.
    """
    of_sets = {one.number: one.totals for one in staged.sets}
    expected = fresh
    for number in inserted:
        expected += of_sets[number]
    for number in deleted:
        expected -= of_sets[number]
    count = row_count("orders", staged.scale_factor).start
    keys = _expected_keys(count, staged.scale_factor, inserted, deleted)
    orders = _read_orders(tables["orders"], count)
    items = _read_items(tables["lineitem"], count)
    missing, unexpected = keys & ~orders.seen, orders.seen & ~keys
    without_items, without_order = orders.seen & ~items.seen, items.seen & ~orders.seen
    return (
        _equal("rows of orders", orders.rows, expected.orders),
        _equal("rows of lineitem", items.rows, expected.lineitems),
        _none("orders missing", missing),
        _none("orders unexpected", unexpected, orders.foreign),
        _equal("orders with a key of another", orders.repeated, 0),
        _none("orders without items", without_items),
        _none("items without order", without_order, items.foreign),
        _equal("items with a number of another", items.repeated, 0),
        _equal("orders whose items are not numbered from 1", items.gaps, 0),
        _equal("sum of o_totalprice", orders.money, expected.totalprice),
        _equal("sum of l_extendedprice", items.money, expected.extendedprice),
    )


@dataclass(frozen=True)
class _Seen:
    """What was read of a table.

    Attributes
    ----------
    seen
        By index of an order, bit g for its key of generation g.
    foreign
        Rows whose key no order of the dataset can have.
    repeated
        Rows whose key another has.
    gaps
        Orders with an item n + 1 and no item n.
    """

    rows: int
    money: Decimal
    seen: _Bits
    foreign: int
    repeated: int
    gaps: int = 0


def _expected_keys(
    count: int, scale_factor: float, inserted: Collection[int], deleted: Collection[int]
) -> _Bits:
    keys = np.ones(count + 1, np.uint8)
    keys[0] = 0
    for number in inserted:
        indexes = indexes_of_set(number, scale_factor)
        keys[indexes.start : indexes.stop] |= 2
    for number in deleted:
        indexes = indexes_of_set(number, scale_factor)
        keys[indexes.start : indexes.stop] &= 2
    return keys


def _read_orders(table: DeltaTable, count: int) -> _Seen:
    rows = foreign = 0
    money = Decimal(0)
    seen = np.zeros(count + 1, np.uint8)
    for batch in _batches(table, ("o_orderkey", "o_totalprice")):
        rows += batch.num_rows
        money += _sum(batch.column(1))
        index, generation = _located(batch.column(0).to_numpy(), count)
        foreign += batch.num_rows - len(index)
        np.bitwise_or.at(seen, index, np.left_shift(1, generation).astype(np.uint8))
    repeated = rows - foreign - int(np.bitwise_count(seen).sum())
    return _Seen(rows, money, seen, foreign, repeated)


def _read_items(table: DeltaTable, count: int) -> _Seen:
    rows = foreign = 0
    money = Decimal(0)
    numbers = [np.zeros(count + 1, np.uint8) for _ in range(_GENERATIONS)]
    for batch in _batches(table, ("l_orderkey", "l_linenumber", "l_extendedprice")):
        rows += batch.num_rows
        money += _sum(batch.column(2))
        keys, lines = batch.column(0).to_numpy(), batch.column(1).to_numpy()
        is_possible = (lines >= 1) & (lines <= 7)  # TPC-H 4.2.3
        index, generation = _located(np.where(is_possible, keys, -1), count)
        foreign += batch.num_rows - len(index)
        bits = np.left_shift(1, lines[_is_located(keys, count) & is_possible] - 1)
        for number in range(_GENERATIONS):
            of_generation = generation == number
            np.bitwise_or.at(
                numbers[number], index[of_generation], bits[of_generation].astype(np.uint8)
            )
    seen = np.zeros(count + 1, np.uint8)
    repeated, gaps = rows - foreign, 0
    for number, bits in enumerate(numbers):
        seen[bits != 0] |= 1 << number
        repeated -= int(np.bitwise_count(bits).sum())
        gaps += int(np.count_nonzero(bits & (bits + np.uint8(1))))
    return _Seen(rows, money, seen, foreign, repeated, gaps)


def _is_located(keys: Keys, count: int) -> npt.NDArray[np.bool_]:
    index = index_of(keys)
    return (index >= 1) & (index <= count) & (generation_of(keys) < _GENERATIONS)


def _located(keys: Keys, count: int) -> tuple[Keys, Keys]:
    """Index and generation of the keys that an order of the dataset can have."""
    found = keys[_is_located(keys, count)]
    return index_of(found), generation_of(found)


def _batches(table: DeltaTable, columns: tuple[str, ...]) -> Iterator[Any]:
    return iter(FilesDataset(table.contents().snapshot).to_batches(columns=list(columns)))


def _sum(column: Any) -> Decimal:
    found = pc.sum(column).as_py()
    return Decimal(0) if found is None else Decimal(found)


def _equal(name: str, found: int | Decimal, expected: int | Decimal) -> Check:
    return Check(name, found == expected, f"{expected:,}", f"{found:,}")


def _none(name: str, bits: _Bits, more: int = 0) -> Check:
    """That no key is so; the first one is named."""
    count = int(np.bitwise_count(bits).sum()) + more
    found = f"{count:,}"
    if bits.any():
        index = int(np.argmax(bits != 0))
        generation = 0 if bits[index] & 1 else 1
        found += f", the first with key {order_key(index, generation)}"
    return Check(name, count == 0, "0", found)
