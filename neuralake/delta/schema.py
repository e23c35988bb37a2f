"""The schema of a table as its log has it, of columns without nesting.

Source: Delta Transaction Log Protocol, "Schema Serialization Format".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec
import pyarrow as pa

_NAMES = {
    pa.int8(): "byte",
    pa.int16(): "short",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.date32(): "date",
    pa.timestamp("us", "UTC"): "timestamp",
}


def read_schema(schema_string: str) -> pa.Schema:
    """The columns of a table by what its log says of them, with column mapping in their metadata.

    Raises
    ------
    Exception
        As deltalake raises it, if it is no schema that it knows.
    """
    import deltalake

    return pa.schema(deltalake.Schema.from_json(schema_string).to_arrow())


class Declared(Protocol):
    """A column: of a declaration, or a field of Arrow."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def type(self) -> pa.DataType:
        """Its type."""
        ...

    @property
    def nullable(self) -> bool:
        """Whether a value may be missing."""
        ...


def schema_string(columns: Iterable[Declared]) -> str:
    """The JSON of a schema.

    Raises
    ------
    ValueError
        If a column has a type that is nested, or that no reader of version 1 knows.
    """
    fields = [
        {"name": c.name, "type": _name(c), "nullable": c.nullable, "metadata": {}} for c in columns
    ]
    return msgspec.json.encode({"type": "struct", "fields": fields}).decode()


def _name(column: Declared) -> str:
    kind = column.type
    if pa.types.is_decimal128(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if (name := _NAMES.get(kind)) is None:
        raise ValueError(f"column {column.name} is {kind}, which is written by deltalake only")
    return name
