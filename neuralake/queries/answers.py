"""When is an answer right: comparison of two results under the query's own promises.

Rows that tie under the ORDER BY may come in any order, a LIMIT may cut anywhere inside a tie, and
nulls stand at either end unless the query says which; everything else is compared as it stands.
What a value means counts, and not how an engine encodes it (:mod:`.plain`, :mod:`.hashing`); how
far numbers may be apart is said by their types and the query's header (:mod:`.shape`), and is
tighter than TPC-H clause 2.1.3.5. Of each result there are in memory a hash a row and the numbers
that may be off, and not its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose, isnan
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neuralake.errors import QueryError, shortened
from neuralake.queries.hashing import Leaf, combined, hash_values
from neuralake.queries.order import first_unsorted, nulls_end
from neuralake.queries.pairing import HashedRows, close, unpaired
from neuralake.queries.plain import plain_batches
from neuralake.queries.query import Query, SortKey
from neuralake.queries.shape import Shape, Tolerance, shape_of
from neuralake.queries.sql import output_names
from neuralake.queries.values import python_values

Row = tuple[Any, ...]
Flags = npt.NDArray[np.bool_]

# Of the rows without a partner so many are looked at to say what differs
_ROWS_LOOKED_AT = 200
_CHARACTERS_SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """A result that can be read again and again, batch by batch.

    Attributes
    ----------
    schema
        Names and plain types of its columns.
    count
        Number of rows.
    batches
        Reads it once: plain batches (:mod:`neuralake.queries.plain`).
    """

    schema: pa.Schema
    count: int
    batches: Callable[[], Iterable[pa.RecordBatch]]

    @classmethod
    def of(cls, table: pa.Table) -> Answer:
        """The rows of an Arrow table, of any types."""
        first = next(plain_batches(table.slice(0, 0)))
        return cls(first.schema, table.num_rows, lambda: plain_batches(table))

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        names: list[str] = self.schema.names
        return names

    def rows(self, indices: Iterable[int]) -> dict[int, Row]:
        """Some rows by their index, as Python values; those that are not there are left out."""
        wanted = sorted(set(indices))
        found: dict[int, Row] = {}
        start = 0
        for batch in self.batches():
            here = [i for i in wanted if start <= i < start + batch.num_rows]
            if here:
                part = batch.take(pa.array([i - start for i in here], pa.int64()))
                columns = [python_values(column) for column in part.columns]
                rows = zip(*columns, strict=True) if columns else [()] * len(here)
                found |= zip(here, rows, strict=True)
            start += batch.num_rows
            if wanted and wanted[-1] < start:
                break
        return found

    def column(self, position: int) -> pa.Array:
        """One column, whole."""
        parts = [batch.column(position) for batch in self.batches()]
        return pa.concat_arrays(parts) if parts else pa.nulls(0, self.schema.types[position])


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
        Supplies the ORDER BY keys, found by name in ``actual`` or else in ``expected``, the LIMIT,
        and how far numbers may be apart.

    Returns
    -------
    Mismatch or None
        None if the answer is right.

    Raises
    ------
    QueryError
        If neither side has a column that the query names.
    """
    if len(actual.columns) != len(expected.columns):
        return Mismatch(f"{len(actual.columns)} columns, expected {len(expected.columns)}")
    if actual.count != expected.count:
        return Mismatch(f"{actual.count} rows, expected {expected.count}")
    keys = [(position_of(k.column, query, actual, expected), k) for k in query.order_by]
    shapes = _shapes(actual, expected, query)
    columns = [(actual.column(position), key) for position, key in keys]
    broken = _unsorted(actual, expected, columns)
    if broken is not None:
        return broken
    # where rows of a tie may have been left out: after the last row, and before the first
    cuts = [-1] if actual.count == query.limit else []
    cuts = [*cuts, 0] if query.offset else cuts
    both = (actual, expected)
    places = [position for position, _ in keys]
    rows, partners = unpaired(*(_hashed(answer, shapes) for answer in both))
    if len(rows) and keys and cuts:
        ties = [_ties(answer, places, shapes, cuts) for answer in both]
        sides = [_hashed(a, shapes, places, tie) for a, tie in zip(both, ties, strict=True)]
        rows, partners = unpaired(*sides)
    if not len(rows):
        return None
    advice = _advice(columns, expected, places) if cuts else ""
    return _explained(actual, expected, rows.tolist(), partners.tolist(), advice)


def order_fault(answer: Answer, query: Query, others: Iterable[Answer] = ()) -> Mismatch | None:
    """Where an answer by itself breaks the order that its query promises, or None.

    Parameters
    ----------
    answer
        Whose rows are looked at.
    query
        Supplies the ORDER BY keys.
    others
        Answers that may have the columns' names where this one has not.

    Raises
    ------
    QueryError
        If none has a column that the query is ordered by.
    """
    places = [(position_of(key.column, query, answer, *others), key) for key in query.order_by]
    keys = [(answer.column(place), key) for place, key in places if place < len(answer.columns)]
    return _unsorted(answer, answer, keys)


def require_columns(query: Query, found: Sequence[str] | None = None) -> None:
    """Refuse a query whose header names a column that its result has not.

    Parameters
    ----------
    query
        Whose ORDER BY keys and tolerances name columns.
    found
        Names of the columns of a result; None before there is one, when the text may say them.

    Raises
    ------
    QueryError
        If a column is known not to be there.
    """
    if not query.order_by and not any(allowed.column for allowed in query.allowances):
        return
    said = output_names(query.sql())
    if found is None and said is None:
        return
    # an engine may call a column otherwise than the text does
    known = [_without_rows(names) for names in (found, said) if names is not None]
    for key in query.order_by:
        position_of(key.column, query, *known)
    for allowed in query.allowances:
        if allowed.column is not None:
            position_of(allowed.column, query, *known)


def _without_rows(names: Sequence[str]) -> Answer:
    return Answer(pa.schema([(name, pa.null()) for name in names]), 0, lambda: ())


def position_of(column: str, query: Query, *answers: Answer) -> int:
    """Where the first answer that has a column of this name has it, whatever its case.

    Raises
    ------
    QueryError
        If none has.
    """
    for answer in answers:
        names = [name.lower() for name in answer.columns]
        if column.lower() in names:
            return names.index(column.lower())
    ordered = any(key.column == column for key in query.order_by)
    what = f"order by {column}" if ordered else f"tolerance {column}"
    has = ", ".join(answers[0].columns) or "none"
    raise QueryError(
        f"query file {query.name}.sql: its header says {what!r}, but its result has no such "
        f"column: it has {has}"
    )


def _shapes(actual: Answer, expected: Answer, query: Query) -> list[Shape]:
    default: Tolerance | None = None
    own: dict[int, Tolerance] = {}
    for allowance in query.allowances:
        if allowance.column is None:
            default = allowance.tolerance.widened(default)
        else:
            position = position_of(allowance.column, query, actual, expected)
            own[position] = allowance.tolerance.widened(own.get(position))
    types = zip(actual.schema.types, expected.schema.types, strict=True)
    return [shape_of(a, b, default, own.get(i)) for i, (a, b) in enumerate(types)]


def _unsorted(
    actual: Answer, expected: Answer, keys: Sequence[tuple[pa.Array, SortKey]]
) -> Mismatch | None:
    row = first_unsorted(keys)
    if row is None:
        return None
    reason = f"row {row + 1} breaks the ORDER BY"
    return Mismatch(reason, row, *(a.rows([row]).get(row) for a in (actual, expected)))


def _ties(
    answer: Answer, positions: Sequence[int], shapes: Sequence[Shape], rows: Sequence[int]
) -> Flags:
    """Which rows tie with one of these rows, as far as their numbers can tell."""
    found = np.zeros(answer.count, np.bool_)
    for row in rows if answer.count else ():
        tie = np.ones(answer.count, np.bool_)
        for position in positions:
            leaves: list[Leaf] = []
            hashes = hash_values(answer.column(position), shapes[position], leaves)
            tie &= hashes == hashes[row]
            for leaf in leaves:
                if leaf.rows is None:
                    same = np.full(answer.count, leaf.values[row])
                    tie &= close(leaf.values, same, leaf.tolerance)
        found |= tie
    return found


def _hashed(
    answer: Answer,
    shapes: Sequence[Shape],
    keys: Sequence[int] = (),
    tie: Flags | None = None,
) -> HashedRows:
    """The rows of an answer; of those that a LIMIT may have left out others for, the keys alone."""
    hashes = np.zeros(answer.count, np.uint64)
    leaves: dict[int, list[list[Leaf]]] = {position: [] for position in range(len(shapes))}
    start = 0
    with np.errstate(over="ignore"):
        for batch in answer.batches():
            stop = start + batch.num_rows
            for position, (column, shape) in enumerate(zip(batch.columns, shapes, strict=True)):
                found: list[Leaf] = []
                values = hash_values(column, shape, found)
                if tie is not None and position not in keys:
                    values[tie[start:stop]] = 0
                    found = [_without(leaf, tie[start:stop]) for leaf in found]
                hashes[start:stop] = combined(hashes[start:stop], values)
                leaves[position].append([_moved(leaf, start) for leaf in found])
            start = stop
    joined = [
        _joined(parts) for of_column in leaves.values() for parts in zip(*of_column, strict=True)
    ]
    return HashedRows(hashes, tuple(joined))


def _without(leaf: Leaf, rows: Flags) -> Leaf:
    if leaf.rows is None:
        return Leaf(np.where(rows, 0.0, leaf.values), None, leaf.tolerance)
    kept = ~rows[leaf.rows]
    return Leaf(leaf.values[kept], leaf.rows[kept], leaf.tolerance)


def _moved(leaf: Leaf, start: int) -> Leaf:
    return leaf if leaf.rows is None else Leaf(leaf.values, leaf.rows + start, leaf.tolerance)


def _joined(parts: Sequence[Leaf]) -> Leaf:
    rows = [part.rows for part in parts if part.rows is not None]
    return Leaf(
        np.concatenate([part.values for part in parts]),
        np.concatenate(rows) if rows else None,
        parts[0].tolerance,
    )


def _advice(
    keys: Sequence[tuple[pa.Array, SortKey]], expected: Answer, positions: Sequence[int]
) -> str:
    """What the query lacks, where nulls decide which rows a LIMIT leaves."""
    for (column, key), position in zip(keys, positions, strict=True):
        other = expected.column(position)
        ends = {nulls_end(column), nulls_end(other)}
        if key.nulls is None and (column.null_count != other.null_count or len(ends) > 1):
            return (
                f"nulls in {key.column} stand first or last as each engine likes, and decide which "
                f"rows the LIMIT leaves: the query needs NULLS FIRST or NULLS LAST; "
            )
    return ""


def _explained(
    actual: Answer,
    expected: Answer,
    rows: list[int],
    partners: list[int],
    advice: str,
) -> Mismatch:
    """The first row without a partner, beside the row that is most like it."""
    row = min(rows)
    mine = actual.rows([row])[row]
    others = expected.rows(sorted(partners)[:_ROWS_LOOKED_AT])
    alike = {
        i: [_alike(a, b) for a, b in zip(mine, other, strict=True)] for i, other in others.items()
    }
    nearest = max(others, key=lambda i: (sum(alike[i]), -abs(i - row)))
    theirs = others[nearest]
    reason = f"{advice}row {row + 1} comes more often than expected"
    if not all(alike[nearest]):
        column = alike[nearest].index(False)
        a, b = (_cut(values[column]) for values in (mine, theirs))
        types = [answer.schema.types[column] for answer in (actual, expected)]
        kinds = f" ({types[0]}, {types[1]})" if a == b else ""
        reason = f"{advice}row {row + 1}, column {actual.columns[column]}: {a} is not {b}{kinds}"
    return Mismatch(reason, row, mine, theirs)


def _alike(actual: Any, expected: Any) -> bool:
    numbers = (int, float, Decimal)
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    if isinstance(actual, numbers) and isinstance(expected, numbers):
        a, b = float(actual), float(expected)
        return actual == expected or (isnan(a) and isnan(b)) or isclose(a, b, rel_tol=1e-6)
    return bool(actual == expected)


def _shown(row: Row | None) -> str:
    if row is None:
        return "nothing"
    return "(" + ", ".join("null" if value is None else _cut(value) for value in row) + ")"


def _cut(value: object) -> str:
    return shortened(str(value), _CHARACTERS_SHOWN)
