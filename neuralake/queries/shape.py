"""What of a column must be equal, and what may be a little off, by the types of both sides.

The tolerances are those of arithmetic that may be done in another order: a sum of n numbers has an
error of up to n units in the last place (Higham, Accuracy and Stability of Numerical Algorithms,
4.2), and what cancels to nothing leaves a residue near the precision of its terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

# What a decimal average may be off by, one unit in its last digit, survives the conversion to float
_HAIR = 1 + 1e-9


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may be apart: by either of both measures.

    Attributes
    ----------
    relative
        As a share of the greater number.
    absolute
        In the column's own unit; it decides near zero.
    """

    relative: float = 0.0
    absolute: float = 0.0

    def widened(self, other: Tolerance | None) -> Tolerance:
        """The wider of both, in each measure."""
        if other is None:
            return self
        return Tolerance(max(self.relative, other.relative), max(self.absolute, other.absolute))


DECIMAL = Tolerance(1e-6)
FLOAT64 = Tolerance(1e-6, 1e-12)
# Polars adds 32-bit floats in 32 bits, row by row: 9e-6 off in sums of 100,000, against DuckDB's
FLOAT32 = Tolerance(1e-4, 1e-6)
FLOAT16 = Tolerance(2e-3, 1e-3)


@dataclass(frozen=True)
class Shape:
    """How a column is compared.

    Attributes
    ----------
    tolerance
        Of its numbers; None if its values must be equal, or where the children say it.
    children
        Of a list its items, of a struct its fields, of a map its keys and values.
    repeated
        Whether a row has any number of them.
    """

    tolerance: Tolerance | None = None
    children: tuple[Shape, ...] = ()
    repeated: bool = False


EXACT = Shape()


def shape_of(
    actual: pa.DataType,
    expected: pa.DataType,
    default: Tolerance | None = None,
    own: Tolerance | None = None,
) -> Shape:
    """How two columns are compared.

    Parameters
    ----------
    actual, expected
        Plain types (:mod:`neuralake.queries.plain`) of both sides.
    default
        What the query allows for all numbers that are not whole.
    own
        What it allows for this column, whole numbers included.
    """
    if pa.types.is_null(actual) or pa.types.is_null(expected):
        known = expected if pa.types.is_null(actual) else actual
        return EXACT if pa.types.is_null(known) else shape_of(known, known, default, own)
    if _is_number(actual) and _is_number(expected):
        return _number(actual, expected, default, own)
    pairs: list[tuple[pa.DataType, pa.DataType]] = []
    if pa.types.is_large_list(actual) and pa.types.is_large_list(expected):
        pairs = [(actual.value_type, expected.value_type)]
    elif pa.types.is_map(actual) and pa.types.is_map(expected):
        pairs = [
            (actual.key_type, expected.key_type),
            (actual.item_type, expected.item_type),
        ]
    elif pa.types.is_struct(actual) and pa.types.is_struct(expected):
        fields = [[d.field(i).type for i in range(d.num_fields)] for d in (actual, expected)]
        pairs = list(zip(*fields, strict=True)) if len(fields[0]) == len(fields[1]) else []
    children = tuple(shape_of(a, b, default, own) for a, b in pairs)
    if all(child == EXACT for child in children):
        return EXACT
    return Shape(children=children, repeated=not pa.types.is_struct(actual))


def is_whole(dtype: pa.DataType) -> bool:
    """Whether a type has whole numbers only: an integer, or a decimal without digits after it."""
    return bool(pa.types.is_integer(dtype) or (pa.types.is_decimal(dtype) and dtype.scale == 0))


def _is_number(dtype: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype)
    )


def _number(
    actual: pa.DataType,
    expected: pa.DataType,
    default: Tolerance | None,
    own: Tolerance | None,
) -> Shape:
    if is_whole(actual) and is_whole(expected):
        return EXACT if own is None else Shape(own)
    allowed = Tolerance().widened(default).widened(own)
    for dtype in (actual, expected):
        allowed = allowed.widened(_of_type(dtype))
    scales = [t.scale for t in (actual, expected) if pa.types.is_decimal(t)]
    if scales and min(scales) > 0:  # whole numbers have no unit to spare
        allowed = allowed.widened(Tolerance(absolute=10.0 ** -min(scales) * _HAIR))
    return Shape(allowed)


def _of_type(dtype: pa.DataType) -> Tolerance | None:
    if pa.types.is_float16(dtype):
        return FLOAT16
    if pa.types.is_float32(dtype):
        return FLOAT32
    if pa.types.is_float64(dtype):
        return FLOAT64
    return DECIMAL if pa.types.is_decimal(dtype) else None
