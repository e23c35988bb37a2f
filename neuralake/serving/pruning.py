"""Which parts of a large table a statement needs: those that its filter does not rule out.

A part in memory is a batch, whose least and greatest values are looked up once; one on disk is a
file, which says them in its footer. So a question about the newest rows, or about one number of a
table that came in the order of its numbers, reads little of it, however large it is.

Only a comparison of a column with a value, which must hold for every row that is used, rules
anything out; and only of types whose bounds are exact and whose order is that of the comparison:
integers, dates and moments. Floats (NaN) and texts (cut off in footers) are not among them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from neuralake.config import is_remote
from neuralake.delta.rows import PlainFiles
from neuralake.delta.snapshot import DataFile
from neuralake.footer import read_footer

if TYPE_CHECKING:
    from datafusion import DataFrame
    from datafusion.expr import Expr

# Least and greatest value; None of a part of which every value is null, or that has no rows
Range: TypeAlias = tuple[int, int] | None
# Whether a part with such a range may have a row whose value compares so with another
_MAY_HOLD: Mapping[str, Callable[[int, int, int], bool]] = {
    "=": lambda least, greatest, value: least <= value <= greatest,
    "<": lambda least, _, value: least < value,
    "<=": lambda least, _, value: least <= value,
    ">": lambda _, greatest, value: greatest > value,
    ">=": lambda _, greatest, value: greatest >= value,
}
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Each takes half a millisecond
_FOOTERS_IN_A_CALL = 64


@dataclass(frozen=True)
class Comparison:
    """What holds for every row that a statement uses.

    Attributes
    ----------
    column
        Of the table.
    operator
        ``=``, ``<``, ``<=``, ``>`` or ``>=``.
    value
        Of a date the days, and of a moment the microseconds, since 1970.
    """

    column: str
    operator: str
    value: int

    def may_hold(self, found: Range) -> bool:
        """Whether a row of a part with this range may fulfil it; a null never does."""
        return found is not None and _MAY_HOLD[self.operator](*found, self.value)


@dataclass(frozen=True)
class BatchRanges:
    """Ranges of a batch's columns, each looked up when it is first asked for.

    Attributes
    ----------
    batch
        The rows.
    """

    batch: pa.RecordBatch
    _known: dict[str, Range] = field(default_factory=dict, repr=False, compare=False)

    def of(self, column: str) -> Range:
        """The range of a column of integers, dates or moments."""
        if column not in self._known:
            found = pc.min_max(self.batch.column(column))
            self._known[column] = _range(found["min"], found["max"])
        return self._known[column]


class FileRanges:
    """Ranges of files' columns, by their footers, each of which is read once; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Mapping[str, Range]] = {}

    def keep(self, uris: Collection[str]) -> None:
        """Forget files that are not among these."""
        with self._lock:
            self._known = {uri: self._known[uri] for uri in uris if uri in self._known}

    def needed(self, files: PlainFiles, comparisons: Sequence[Comparison]) -> list[DataFile]:
        """Files that may have rows which fulfil all comparisons.

        Columns that a file's footer does not tell of rule nothing out, nor do files that are not
        on this machine; and few footers are read in one call, so that none takes long.

        Raises
        ------
        OSError, pa.ArrowException
            If a footer cannot be read.
        """
        if files.mapping != "none":
            return list(files.files)
        left = _FOOTERS_IN_A_CALL
        found = []
        for file in files.files:
            ranges = self._known.get(file.uri)
            if ranges is None and left and not is_remote(file.uri):
                left -= 1
                ranges = _ranges_of_file(file.uri, files.schema)
                with self._lock:
                    self._known[file.uri] = ranges
            told = ranges or {}
            if all(c.may_hold(told[c.column]) for c in comparisons if c.column in told):
                found.append(file)
        return found


def comparisons(frame: DataFrame, schema: pa.Schema) -> list[Comparison]:
    """What a statement's filter asks of every row of the one table that it reads.

    Parameters
    ----------
    frame
        A plan that reads one table once.
    schema
        Of the table.
    """
    try:
        plan = frame.optimized_logical_plan()
    except Exception:  # noqa: BLE001 (of whatever DataFusion raises, who runs it is told)
        return []
    while len(inputs := plan.inputs()) == 1:
        node, below = plan.to_variant(), inputs[0]
        if type(node).__name__ == "Filter" and type(below.to_variant()).__name__ == "TableScan":
            return list(_compared(node.predicate(), schema))
        plan = below
    return []


def _compared(predicate: Expr, schema: pa.Schema) -> Iterator[Comparison]:
    """The comparisons among what is joined by AND at a predicate's top."""
    waiting = [predicate]
    while waiting:
        node = waiting.pop().to_variant()
        if type(node).__name__ != "BinaryExpr":
            continue
        one, operator, other = node.left(), node.op(), node.right()
        if operator == "AND":
            waiting += [one, other]
        elif operator in _MIRRORED:
            for column, name, value in ((one, operator, other), (other, _MIRRORED[operator], one)):
                found = _comparison(column, name, value, schema)
                if found is not None:
                    yield found


def _comparison(column: Expr, operator: str, value: Expr, schema: pa.Schema) -> Comparison | None:
    named, literal = column.to_variant(), value.to_variant()
    if (type(named).__name__, type(literal).__name__) != ("Column", "Literal"):
        return None
    places = schema.get_all_field_indices(named.name())
    scalar = value.python_value()
    if len(places) != 1 or not isinstance(scalar, pa.Scalar) or not scalar.is_valid:
        return None
    kind = schema.field(places[0]).type
    if not _is_ordered(kind) or scalar.type != kind:
        return None
    return Comparison(named.name(), operator, _number(scalar))


def _is_ordered(kind: pa.DataType) -> bool:
    """Whether values of a type are ordered as the numbers are that :func:`_number` makes."""
    types = pa.types
    is_moment = types.is_timestamp(kind) and kind.unit == "us"
    return bool(types.is_signed_integer(kind) or types.is_date32(kind) or is_moment)


def _number(value: pa.Scalar) -> int:
    return int(value.as_py() if pa.types.is_integer(value.type) else value.value)


def _ranges_of_file(path: str, schema: pa.Schema) -> Mapping[str, Range]:
    """What a footer tells of those columns that it has in the table's own type."""
    footer = read_footer(LocalFileSystem(), path)
    stored = footer.schema.to_arrow_schema()
    leaves = [footer.schema.column(i) for i in range(len(footer.schema.names))]
    found: dict[str, Range] = {}
    for wanted in schema:
        places = [i for i, leaf in enumerate(leaves) if leaf.path == wanted.name]
        named = stored.get_all_field_indices(wanted.name)
        if len(places) != 1 or len(named) != 1 or not _is_ordered(wanted.type):
            continue
        is_plain = leaves[places[0]].physical_type in ("INT32", "INT64")
        if is_plain and stored.field(named[0]).type == wanted.type:
            known = _range_of_groups(footer, places[0], wanted.type)
            if known is not None:
                found[wanted.name] = known[0]
    return found


def _range_of_groups(
    footer: pq.FileMetaData, column: int, kind: pa.DataType
) -> tuple[Range] | None:
    """The range over all row groups; None where one of them does not tell."""
    ends: list[int] = []
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        told = group.column(column).statistics
        if told is not None and told.has_null_count and told.null_count == group.num_rows:
            continue
        if told is None or not told.has_min_max:
            return None
        ends += [_number(pa.scalar(end, kind)) for end in (told.min, told.max)]
    return ((min(ends), max(ends)) if ends else None,)


def _range(least: pa.Scalar, greatest: pa.Scalar) -> Range:
    return (_number(least), _number(greatest)) if least.is_valid else None
