"""How engines spell what views are made of: names, texts and types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from neuralake.identifiers import backticked, quoted

_INTEGERS = {
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
}
# In place of a range, which DataFusion and Sail have of few types
_ROWS_BEFORE = " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


@dataclass(frozen=True)
class Dialect:
    """What is not alike in the SQL of the engines.

    Attributes
    ----------
    quote
        Makes a name that means itself.
    string
        The type of texts.
    binary
        The type of bytes.
    real
        The type of floats in 32 bits.
    time
        The type of times without a zone, in microseconds.
    instant
        The type of times with a zone, in microseconds; None where it has no name.
    null_instant
        A null of that type, where it has no name.
    trim
        A text, for ``{}``, without the spaces at its ends: spaces, and no tabs.
    escapes
        Whether a backslash in a text is an escape, and two quotes are none.
    narrows
        Whether decimals of up to 18 digits are computed in 18 digits, whatever a result needs.
    rank_frame
        What must be said of the rows of a window for it to be numbered by values of any type.
    has_pipes
        Whether ``||`` joins texts; otherwise ``CONCAT`` does, and is null where one of them is.
    """

    quote: Callable[[str], str] = quoted
    string: str = "VARCHAR"
    binary: str = "BYTEA"
    real: str = "REAL"
    time: str = "TIMESTAMP"
    instant: str | None = None
    null_instant: str | None = None
    trim: str = "LTRIM(RTRIM({}))"
    escapes: bool = False
    narrows: bool = False
    rank_frame: str = ""
    has_pipes: bool = True

    def text(self, value: str) -> str:
        """A text as a literal."""
        if self.escapes:
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"
        return "'" + value.replace("'", "''") + "'"

    def type(self, kind: pa.DataType) -> str | None:
        """A type of Arrow, plain; None if it has no name here."""
        types = pa.types
        if kind in _INTEGERS:
            return _INTEGERS[kind]
        if types.is_decimal128(kind):
            return f"DECIMAL({kind.precision}, {kind.scale})"
        if types.is_timestamp(kind):
            return (self.time if kind.tz is None else self.instant) if kind.unit == "us" else None
        named = {
            pa.bool_(): "BOOLEAN",
            pa.float32(): self.real,
            pa.float64(): "DOUBLE",
            pa.string(): self.string,
            pa.binary(): self.binary,
            pa.date32(): "DATE",
        }
        return named.get(kind)

    def null(self, kind: pa.DataType) -> str | None:
        """A null of a type, or None if it cannot be said."""
        name = self.type(kind)
        if name is None and pa.types.is_timestamp(kind):
            return self.null_instant if kind == pa.timestamp("us", "UTC") else None
        return None if name is None else f"CAST(NULL AS {name})"


POLARS = Dialect(binary="BLOB", real="FLOAT4", trim="LTRIM(RTRIM({}, ' '), ' ')")
DATAFUSION = Dialect(
    time="TIMESTAMP(6)",
    null_instant="""arrow_cast(NULL, 'Timestamp(Microsecond, Some("UTC"))')""",
    rank_frame=_ROWS_BEFORE,
)
DUCKDB = Dialect(binary="BLOB", instant="TIMESTAMPTZ", narrows=True)
DAFT = Dialect(has_pipes=False, trim="REGEXP_REPLACE(REGEXP_REPLACE({}, '^ +', ''), ' +$', '')")
SPARK = Dialect(
    quote=backticked,
    string="STRING",
    binary="BINARY",
    real="FLOAT",
    time="TIMESTAMP_NTZ",
    instant="TIMESTAMP",
    escapes=True,
    rank_frame=_ROWS_BEFORE,
)
