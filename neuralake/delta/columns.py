"""From the columns of a data file to those of its table: by name or field id, in the table's types.

A file is as it was written: it may lack a column, hold it under another name (column mapping), in
another order, in a narrower type (type widening) or in another encoding. Source: Delta Transaction
Log Protocol, "Reader Requirements for Column Mapping" and "Type Widening".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

_PHYSICAL_NAME = b"delta.columnMapping.physicalName"
_MAPPING_ID = b"delta.columnMapping.id"
_FIELD_ID = b"PARQUET:field_id"


def mapping_mode(configuration: Mapping[str, str]) -> str:
    """How columns are found in a table's files, by its properties: ``none``, ``name`` or ``id``."""
    return configuration.get("delta.columnMapping.mode", "none")


def find_field(wanted: pa.Field, present: Iterable[pa.Field], mapping: str) -> int | None:
    """Index of the field of a file that holds a field of the table.

    Parameters
    ----------
    wanted
        The table's, with what column mapping says of it in its metadata.
    present
        The file's.
    mapping
        ``none``, ``name`` or ``id``.

    Returns
    -------
    int or None
        None if the file was written before there was such a column. Names are compared as they
        are, then without case: no two columns of a Delta table differ by case only.
    """
    fields = list(present)
    metadata = wanted.metadata or {}
    if mapping == "id" and _MAPPING_ID in metadata:
        by_id = {(f.metadata or {}).get(_FIELD_ID): i for i, f in enumerate(fields)}
        if set(by_id) != {None}:
            return by_id.get(metadata[_MAPPING_ID])
    name = wanted.name if mapping == "none" else physical_name(wanted)
    for spelling in (str, str.lower):
        for i, f in enumerate(fields):
            if spelling(f.name) == spelling(name):
                return i
    return None


def physical_name(field: pa.Field) -> str:
    """Name of a table's column in its files, where columns are mapped."""
    found = (field.metadata or {}).get(_PHYSICAL_NAME)
    return field.name if found is None else str(found.decode())


def conform(values: pa.Array, field: pa.Field, mapping: str = "none") -> pa.Array:
    """Values of a file's column as those of the table's.

    Parameters
    ----------
    values
        As they were read.
    field
        Of the table; its type is the result's.
    mapping
        ``none``, ``name`` or ``id``.

    Raises
    ------
    pa.ArrowException
        If a value does not fit the table's type: the file is not one of this table.
    """
    kind, types = field.type, pa.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    elif types.is_run_end_encoded(values.type):
        import pyarrow.compute as pc  # which is slow to load, and seldom needed

        values = pc.run_end_decode(values)
    if types.is_null(values.type):
        return pa.nulls(len(values), kind)
    if mapping == "none" and values.type.equals(kind, check_metadata=False):
        return values
    if types.is_struct(kind) and types.is_struct(values.type):
        return _struct(values, kind, mapping)
    if _is_list(kind) and _is_list(values.type):
        items = pa.field("element", kind.value_type, metadata=kind.value_field.metadata)
        values = _from_start(values).cast(pa.list_(values.type.value_type))
        return pa.ListArray.from_arrays(
            values.offsets, conform(values.values, items, mapping), kind, mask=values.is_null()
        )
    if types.is_map(kind) and types.is_map(values.type):
        values = _from_start(values)
        return pa.MapArray.from_arrays(
            values.offsets,
            conform(values.keys, kind.key_field, mapping),
            conform(values.items, kind.item_field, mapping),
            kind,
            mask=values.is_null(),
        )
    # A time with more digits than the table's is cut, as Spark does
    return values.cast(kind, safe=not types.is_timestamp(kind))


def _struct(values: pa.StructArray, kind: pa.StructType, mapping: str) -> pa.StructArray:
    children = values.flatten()  # with the struct's own nulls and offset
    present = list(values.type)
    found = []
    for field in kind:
        i = find_field(field, present, mapping)
        nulls = pa.nulls(len(values), field.type)
        found.append(nulls if i is None else conform(children[i], field, mapping))
    for field, child in zip(kind, found, strict=True):
        # Where the struct itself is null its fields are, whatever is said of them
        if not field.nullable and child.null_count > values.null_count:
            raise pa.ArrowInvalid(f"field {field.name} has nulls, which the table's has not")
    # A file's own struct may be said to have none: its fields are put together anew
    return pa.StructArray.from_arrays(found, fields=list(kind), mask=values.is_null())


def _from_start(values: pa.Array) -> pa.Array:
    """The same values, not a part of a longer array: its offsets would be the whole one's."""
    return values.take(pa.array(range(len(values)), pa.int64())) if values.offset else values


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
