"""When is an answer right: comparison of two results under the query's own promises.

Rows that tie under the ORDER BY may come in any order, and a LIMIT may cut anywhere inside a tie;
everything else is compared as it stands. The rule for values is tighter than TPC-H clause 2.1.3.5:
integers, strings and dates are equal; decimals and floats agree to one part in a million, or to
one unit in the last digit that the result shows (one engine truncates an average where another
rounds it).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
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
        Supplies the ORDER BY keys, found by name in ``actual`` or else in ``expected``, and the
        LIMIT.

    Returns
    -------
    Mismatch or None
        None if the answer is right.

    Raises
    ------
    QueryError
        If neither side has a column that the query is ordered by.
    """
    if len(actual.columns) != len(expected.columns):
        return Mismatch(f"{len(actual.columns)} columns, expected {len(expected.columns)}")
    if len(actual.rows) != len(expected.rows):
        return Mismatch(f"{len(actual.rows)} rows, expected {len(expected.rows)}")
    keys = [(_position(key, actual, expected), key.descending) for key in query.order_by]
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
    loose = {p for p in range(len(units)) if _is_loose(actual, p) or _is_loose(expected, p)}
    count = len(expected.rows)
    for start, stop in _ties(expected.rows, positions):
        cut = stop == count == query.limit and bool(positions)
        compared = positions if cut else range(len(actual.columns))
        order = sorted(compared, key=lambda p: p in loose)
        got = sorted(range(start, stop), key=lambda i: _canonical(actual.rows[i], order, loose))
        want = sorted(range(start, stop), key=lambda i: _canonical(expected.rows[i], order, loose))
        for i, j in zip(got, want, strict=True):
            for column in compared:
                a, b = actual.rows[i][column], expected.rows[j][column]
                if not _same(a, b, units[column]):
                    reason = f"row {i + 1}, column {actual.columns[column]}: {a!s} is not {b!s}"
                    return Mismatch(reason, i, actual.rows[i], expected.rows[j])
    return None


def _position(key: SortKey, *answers: Answer) -> int:
    for answer in answers:
        names = [name.lower() for name in answer.columns]
        if key.column.lower() in names:
            return names.index(key.column.lower())
    raise QueryError(
        f"the query is ordered by {key.column}, which its result lacks: it has "
        f"{', '.join(answers[0].columns)}"
    )


def _first_unsorted(rows: Sequence[Row], keys: Sequence[tuple[int, bool]]) -> int | None:
    """Index of the first row that should stand before its predecessor."""
    for index, (before, after) in enumerate(pairwise(rows), start=1):
        for position, descending in keys:
            a, b = before[position], after[position]
            if a == b:
                continue
            if a is None or b is None or _is_nan(a) or _is_nan(b):
                break  # where nulls and nan go is each engine's default, not a wrong order
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


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, Decimal)) and math.isnan(value)


def _is_loose(answer: Answer, position: int) -> bool:
    """Whether a column holds values that may differ slightly from their counterparts."""
    return any(isinstance(row[position], (float, Decimal)) for row in answer.rows)


def _canonical(
    row: Row, order: Sequence[int], loose: Container[int]
) -> tuple[tuple[float, str], ...]:
    """A key that brings tied rows of both sides into one order, whatever types they have."""
    return tuple(_sortable(row[p]) if p in loose else (0.0, repr(row[p])) for p in order)


def _sortable(value: Any) -> tuple[float, str]:
    if isinstance(value, (int, float, Decimal)) and not _is_nan(value):
        return float(value), ""
    return math.inf, str(value)


def _unit(actual: int | None, expected: int | None) -> float:
    """One unit in the last digit that both sides show; whole numbers have none to spare."""
    scales = [scale for scale in (actual, expected) if scale is not None]
    return 10.0 ** -min(scales) if scales and min(scales) > 0 else 0.0


def _is_integer(value: Any) -> bool:
    """Whether a value is a whole number by its type: an int, or a decimal without a scale."""
    if isinstance(value, Decimal):
        return value.as_tuple().exponent == 0
    return isinstance(value, int)


def _same(actual: Any, expected: Any, unit: float) -> bool:
    if actual is None or expected is None:
        return actual is None and expected is None
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if _is_integer(actual) and _is_integer(expected):
        return bool(actual == expected)
    if isinstance(actual, (int, float, Decimal)) and isinstance(expected, (int, float, Decimal)):
        if actual == expected:
            return True
        a, b = float(actual), float(expected)
        if not (math.isfinite(a) and math.isfinite(b)):
            return math.isnan(a) and math.isnan(b)
        # a hair over one unit, so that the conversion to float does not decide
        return abs(a - b) <= max(RELATIVE_TOLERANCE * abs(b), unit * (1 + 1e-9))
    return bool(actual == expected)


def _shown(row: Row | None) -> str:
    if row is None:
        return "nothing"
    return "(" + ", ".join("null" if value is None else str(value) for value in row) + ")"
