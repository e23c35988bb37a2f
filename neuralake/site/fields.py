"""Types as trees, and values as text."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa

from neuralake.report.text import short
from neuralake.site.facts import FieldFacts

_LONGEST_VALUE = 60


def kind_of(kind: pa.DataType) -> str:
    """A type as text; of what holds others the kind alone, as these stand below it."""
    types = pa.types
    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if types.is_struct(kind):
        return "struct"
    if types.is_map(kind):
        return "map"
    if _has_values(kind):
        return "list"
    return str(kind)


def fields_of(kind: pa.DataType) -> tuple[FieldFacts, ...]:
    """What is within a type, at any depth."""
    types = pa.types
    if types.is_dictionary(kind):
        return fields_of(kind.value_type)
    if types.is_struct(kind):
        return tuple(_field(field.name, field.type, field.nullable) for field in kind)
    if types.is_map(kind):
        return (
            _field("key", kind.key_type, nullable=False),
            _field("value", kind.item_type, kind.item_field.nullable),
        )
    if _has_values(kind):
        return (_field("[]", kind.value_type, kind.value_field.nullable),)
    return ()


def value_text(value: Any) -> str | None:
    """A value in a line, cut where it is long; None where it is missing."""
    if value is None:
        return None
    match value:
        case bool():
            text = str(value).lower()
        case bytes():
            text = value.hex()
        case dt.datetime():
            text = value.isoformat(sep=" ")
        case list() | dict() | tuple():
            text = json.dumps(value, default=value_text, ensure_ascii=False)
        case _:
            text = str(value)
    return short(text, _LONGEST_VALUE)


def _field(name: str, kind: pa.DataType, nullable: bool) -> FieldFacts:
    return FieldFacts(name, kind_of(kind), nullable, fields_of(kind))


def _has_values(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )
