"""Keys of rows that are made: new ones, and those by which other tables refer to them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from neuralake.catalog.declaration import ForeignKey
from neuralake.catalog.tables import Table
from neuralake.errors import LifecycleError


def reference(child: Table, parent: str) -> ForeignKey | None:
    """The foreign key by which a table refers to another; None if it has none."""
    return next(
        (key for key in child.foreign_keys if key.references.rpartition(".")[2] == parent), None
    )


def required_reference(child: Table, parent: str, place: str) -> ForeignKey:
    """The same; raises ``LifecycleError``, which names the place in the plan, if it has none."""
    key = reference(child, parent)
    if key is None:
        raise LifecycleError(
            f"{place}: table {child.name} declares no foreign key to {parent}: "
            "expected children that refer to the table"
        )
    return key


def shifted_column(table: Table, place: str) -> str:
    """The column of a table's key that gets new values, so that a copied row has a key of its own.

    Of the key's columns that hold whole numbers or text it is the first that refers to no other
    table, or the first.

    Parameters
    ----------
    table
        With a declared key.
    place
        In a plan, for the message.

    Raises
    ------
    LifecycleError
        If there is no such column.
    """
    schema = table.arrow_schema()
    fit = [
        name
        for name in table.primary_key
        if pa.types.is_integer(schema.field(name).type) or _is_text(schema.field(name).type)
    ]
    if not fit:
        raise LifecycleError(
            f"{place}: table {table.name} has no key of whole numbers or text: new rows need one, "
            "declared in the catalog, such as primary_key=('id',)"
        )
    refers = {name for key in table.foreign_keys for name in key.columns}
    return next((name for name in fit if name not in refers), fit[0])


class NewKeys:
    """New values of a column of keys: none of them was there before, deleted ones included."""

    def __init__(self, column: pl.Series) -> None:
        self._dtype = column.dtype
        self._is_number = column.dtype.is_integer()
        self._next = 1
        largest = column.max() if self._is_number else None
        if largest is not None:  # of nulls alone there is none
            self._next = int(largest) + 1  # type: ignore[arg-type]
        self._known = set() if self._is_number else set(column.to_list())

    def take(self, old: Sequence[object] | pl.Series, table: str) -> pl.Series:
        """A new value for each of some old ones, in order.

        Raises
        ------
        LifecycleError
            If the column's type holds no more.
        """
        count = len(old)
        first, self._next = self._next, self._next + count
        if not self._is_number:
            values = []
            for number, value in enumerate(old, start=first):
                made = f"{value}~{number}"
                while made in self._known:
                    made += "~"
                self._known.add(made)
                values.append(made)
            return pl.Series(values, dtype=pl.String)
        try:
            return pl.int_range(first, first + count, eager=True).cast(self._dtype)
        except (pl.exceptions.InvalidOperationError, OverflowError) as error:
            raise LifecycleError(
                f"table {table}: a key of {self._dtype} has no room for {count:,} more from "
                f"{first:,} on: expected fewer new rows"
            ) from error


def _is_text(dtype: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(dtype) for is_kind in kinds)
