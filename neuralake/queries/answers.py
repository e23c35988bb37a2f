"""When is an answer right: comparison of two results under the query's own promises.

Rows that tie under the ORDER BY may come in any order, and a LIMIT may cut anywhere inside a tie;
everything else is compared as it stands. The rule for values is tighter than TPC-H clause 2.1.3.5:
integers, strings and dates are equal; decimals and floats agree to one part in a million, or to
one unit in the last digit that the result shows (one engine truncates an average where another
rounds it).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from neuralake.errors import QueryError
from neuralake.queries.query import Query, SortKey

RELATIVE_TOLERANCE = 1e-6

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """A result as rows of Python values.

    Attributes
    ----------
    columns
        Column names.
    rows
        One tuple a row; decimals as ``Decimal``, missing values as None.
    scales
        For each column the digits after the point that it shows, or None if it is not a decimal.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    scales: tuple[int | None, ...]

    @classmethod
    def of(cls, table: pa.Table) -> Answer:
        """The rows of an Arrow table."""
        columns = [column.to_pylist() for column in table.columns]
        return cls(
            columns=tuple(table.column_names),
            rows=tuple(zip(*columns, strict=True)),
            scales=tuple(t.scale if pa.types.is_decimal(t) else None for t in table.schema.types),
        )


@dataclass(frozen=True)
class Mismatch:
    """The first difference between an answer and what was expected.

    Attributes
    ----------
    reason
        What differs, in a line.
    row
        Index of the first differing row, or None where the shapes differ.
    actual, expected
        That row on each side, or None.
    """

    reason: str
    row: int | None = None
    actual: Row | None = None
    expected: Row | None = None

    def __str__(self) -> str:
        if self.row is None:
            return self.reason
        shown = [_shown(row) for row in (self.actual, self.expected)]
        return f"{self.reason}; got {shown[0]}, expected {shown[1]}"


def compare(actual: Answer, expected: Answer, query: Query) -> Mismatch | None:
    """Compare an answer with the expected one.

    Parameters
    ----------
    actual, expected
        Columns are compared by position; names are the engine's choice.
    query
        Supplies the ORDER BY keys (columns of ``actual``) and the LIMIT.

    Returns
    -------
    Mismatch or None
        None if the answer is right.
    """
    if len(actual.columns) != len(expected.columns):
        return Mismatch(f"{len(actual.columns)} columns, expected {len(expected.columns)}")
    if len(actual.rows) != len(expected.rows):
        return Mismatch(f"{len(actual.rows)} rows, expected {len(expected.rows)}")
    keys = [(_position(actual, key), key.descending) for key in query.order_by]
    unsorted = _first_unsorted(actual.rows, keys)
    if unsorted is not None:
        return Mismatch(
            f"row {unsorted + 1} breaks the ORDER BY",
            unsorted,
            actual.rows[unsorted],
            expected.rows[unsorted],
        )
    positions = [position for position, _ in keys]
    units = [_unit(a, b) for a, b in zip(actual.scales, expected.scales, strict=True)]
    count = len(expected.rows)
    for start, stop in _ties(expected.rows, positions):
        cut = stop == count == query.limit and bool(positions)
        compared = positions if cut else range(len(actual.columns))
        got = sorted(range(start, stop), key=lambda i: _canonical(actual.rows[i], compared))
        want = sorted(range(start, stop), key=lambda i: _canonical(expected.rows[i], compared))
        for i, j in zip(got, want, strict=True):
            for column in compared:
                a, b = actual.rows[i][column], expected.rows[j][column]
                if not _same(a, b, units[column]):
                    reason = f"row {i + 1}, column {actual.columns[column]}: {a!s} is not {b!s}"
                    return Mismatch(reason, i, actual.rows[i], expected.rows[j])
    return None


def _position(answer: Answer, key: SortKey) -> int:
    names = [name.lower() for name in answer.columns]
    if key.column.lower() not in names:
        raise QueryError(
            f"the query is ordered by {key.column}, which its result lacks: it has "
            f"{', '.join(answer.columns)}"
        )
    return names.index(key.column.lower())


def _first_unsorted(rows: Sequence[Row], keys: Sequence[tuple[int, bool]]) -> int | None:
    """Index of the first row that should stand before its predecessor."""
    for index, (before, after) in enumerate(pairwise(rows), start=1):
        for position, descending in keys:
            a, b = before[position], after[position]
            if a == b:
                continue
            if a is None or b is None:
                break  # where nulls go is each engine's default, not a wrong order
            if (a < b) == descending:
                return index
            break
    return None


def _ties(rows: Sequence[Row], positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Half-open ranges of rows that are equal in all the positions."""
    start = 0
    for index in range(1, len(rows) + 1):
        last = index == len(rows)
        if last or any(rows[index][p] != rows[start][p] for p in positions):
            yield start, index
            start = index


def _canonical(row: Row, positions: Sequence[int]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """An order for tied rows in which values that may differ slightly come last."""
    exact = tuple(str(row[p]) for p in positions if not isinstance(row[p], (float, Decimal)))
    loose = tuple(float(row[p]) for p in positions if isinstance(row[p], (float, Decimal)))
    return exact, loose


def _unit(actual: int | None, expected: int | None) -> float:
    """One unit in the last digit that both sides show; whole numbers have none to spare."""
    scales = [scale for scale in (actual, expected) if scale is not None]
    return 10.0 ** -min(scales) if scales and min(scales) > 0 else 0.0


def _same(actual: Any, expected: Any, unit: float) -> bool:
    if actual is None or expected is None:
        return actual is None and expected is None
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, int) and isinstance(expected, int):
        return actual == expected
    if isinstance(actual, (int, float, Decimal)) and isinstance(expected, (int, float, Decimal)):
        if actual == expected:
            return True
        a, b = float(actual), float(expected)
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        # a hair over one unit, so that the conversion to float does not decide
        return abs(a - b) <= max(RELATIVE_TOLERANCE * abs(b), unit * (1 + 1e-9))
    return bool(actual == expected)


def _shown(row: Row | None) -> str:
    if row is None:
        return "nothing"
    return "(" + ", ".join("null" if value is None else str(value) for value in row) + ")"
