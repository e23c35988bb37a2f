"""Columns that DuckDB takes from the files as they are, and not from their statistics.

DuckDB 2.0 passes over row groups whose greatest value is below what is looked for, and holds a
filter for true where all between the least and the greatest pass it; a NaN that the two leave out
is lost, or found. Of a text that is not dictionary-encoded, whose least and greatest are one, it
finds every row where it looks for nulls. Its reader has no setting against either, but a CASE over
a column has no statistics.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.arrow import plain_type
from neuralake.identifiers import quoted

_TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


def finds_nulls_everywhere(footers: Iterable[pq.FileMetaData]) -> bool:
    """Whether DuckDB would take a text for null that is none, in one of these files."""
    return any(_is_one_text(footer, i) for footer in footers for i in _texts(footer))


def _texts(footer: pq.FileMetaData) -> list[int]:
    leaves = [footer.schema.column(i) for i in range(len(footer.schema.names))]
    return [
        i
        for i, leaf in enumerate(leaves)
        if leaf.physical_type in _TEXTS and leaf.max_repetition_level == 0
    ]


def _is_one_text(footer: pq.FileMetaData, place: int) -> bool:
    for group in range(footer.num_row_groups):
        chunk = footer.row_group(group).column(place)
        known = chunk.statistics
        if known is None or not known.has_min_max or known.min_raw != known.max_raw:
            continue
        is_encoded = any("DICTIONARY" in encoding for encoding in chunk.encodings)
        if not is_encoded and not (known.has_null_count and known.null_count == 0):
            return True
    return False


def without_statistics(column: str, kind: pa.DataType, *, floats: bool, texts: bool) -> str:
    """An expression of a column's values of which DuckDB knows no bounds.

    Parameters
    ----------
    column
        The column, or a field of it, in SQL.
    kind
        Its type: of a struct every field is treated so.
    floats, texts
        Whose bounds not to believe, strings and binaries being texts; others stay as they are.
    """
    kind = plain_type(kind)
    if not _has(kind, floats=floats, texts=texts):
        return column
    value = column
    if pa.types.is_struct(kind):
        fields = []
        for field in kind:
            name = field.name.replace("'", "''")
            part = f"struct_extract({column}, '{name}')"
            part = without_statistics(part, field.type, floats=floats, texts=texts)
            fields.append(f"{quoted(field.name)} := {part}")
        value = f"struct_pack({', '.join(fields)})"
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE {value} END"


def _has(kind: pa.DataType, *, floats: bool, texts: bool) -> bool:
    types = pa.types
    if types.is_struct(kind):
        return any(_has(field.type, floats=floats, texts=texts) for field in kind)
    is_text = types.is_string(kind) or types.is_binary(kind) or types.is_fixed_size_binary(kind)
    return bool((floats and types.is_floating(kind)) or (texts and is_text))
