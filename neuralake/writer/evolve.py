"""A table's metadata with the columns that a batch has beyond it: additive, and may be null.

Source: Delta Transaction Log Protocol, "Schema Serialization Format", "Writer Requirements for
Column Mapping".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import deltalake
import msgspec
import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.delta.actions import Metadata
from neuralake.delta.features import supported
from neuralake.delta.state import TableState
from neuralake.errors import reason_of
from neuralake.identifiers import case_twins
from neuralake.writer.errors import BatchError

_ID = "delta.columnMapping.id"
_NAME = "delta.columnMapping.physicalName"
_ODD = frozenset(" ,;{}()\n\t=")
_GREATEST_ID = "delta.columnMapping.maxColumnId"


def new_columns(batch: pa.Schema, table: pa.Schema) -> list[pa.Field]:
    """Columns of a batch that its table lacks."""
    return [field for field in batch if table.get_field_index(field.name) < 0]


def evolved(state: TableState, table: pa.Schema, fields: list[pa.Field]) -> Metadata:
    """The metadata of a table with more columns, at its end.

    Parameters
    ----------
    state
        Of the table.
    table
        Its columns.
    fields
        To be added; whatever they say, they may be null, since rows that are there have none.

    Raises
    ------
    BatchError
        If a column differs from one of the table by case only, has a type that Delta lacks, or
        needs a feature that the table lacks.
    """
    if (twins := case_twins([*table.names, *(field.name for field in fields)])) is not None:
        raise BatchError(
            f"column {twins[1]!r} differs from {twins[0]!r} by case only: no table has both"
        )
    try:
        kinds = pa.schema([pa.field(f.name, plain_type(f.type), nullable=True) for f in fields])
        added = json.loads(deltalake.Schema.from_arrow(kinds).to_json())["fields"]
    except Exception as error:
        names = ", ".join(f"{field.name!r} ({field.type})" for field in fields)
        raise BatchError(f"Delta has no type for the column {names}: {reason_of(error)}") from error
    if state.mapping == "none" and (odd := [n for n in _names(added) if not n or _ODD & set(n)]):
        raise BatchError(
            f"column {odd[0]!r} has no name that Delta takes without column mapping: expected one "
            "without spaces, line breaks, tabs and ,;{}()="
        )
    if "timestamp_ntz" in json.dumps(added) and "timestampNtz" not in supported(state):
        names = ", ".join(repr(field.name) for field in fields)
        raise BatchError(f"column {names} has no time zone, for which the table lacks timestampNtz")
    configuration = dict(state.configuration)
    if state.mapping != "none":
        last = _number(added, int(configuration.get(_GREATEST_ID, "0")))
        configuration[_GREATEST_ID] = str(last)
    schema = json.loads(state.metadata.schema_string)
    schema["fields"] += added
    return msgspec.structs.replace(
        state.metadata,
        schema_string=json.dumps(schema, separators=(",", ":"), ensure_ascii=False),
        configuration=configuration,
    )


def _number(kind: Any, last: int) -> int:
    """Give ids and physical names to columns, nested ones included; returns the greatest id."""
    if isinstance(kind, list):
        for field in kind:
            last += 1
            field["metadata"] = {**field["metadata"], _ID: last, _NAME: f"col-{uuid.uuid4()}"}
            last = _number(field["type"], last)
    elif isinstance(kind, dict):
        for part in ("fields", "elementType", "keyType", "valueType"):
            last = _number(kind.get(part), last)
    return last


def _names(kind: Any) -> Iterator[str]:
    """Names of columns, nested ones included."""
    if isinstance(kind, list):
        for field in kind:
            yield field["name"]
            yield from _names(field["type"])
    elif isinstance(kind, dict):
        for part in ("fields", "elementType", "keyType", "valueType"):
            yield from _names(kind.get(part))
