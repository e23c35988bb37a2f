"""Lines of JSON as rows of a table's schema, exactly: no number passes through a float.

There are two ways to the same rows. Many lines at once are decoded by Arrow's own reader, which
knows most types and says little of what it refuses. What it does not know or refuses is read again
line by line with :mod:`json`, which tells which line is at fault and why.

What a column takes: a whole number where it is one and fits; a number, or a text that is one, for a
decimal, which must have the digits; a text for a date (``2026-11-25``) and a time
(``2026-11-25T01:02:03.5Z``, with an offset where the column is in UTC and without where it has no
zone); base64 for bytes; an object for a map. A column that a line lacks, or gives as null, is null.
Source: RFC 8259; Arrow's casts from text for dates and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from neuralake.sources.json_line import line_reader

BLANK = b" \t\r"
_SPACE = b" \t\r\n"


class RowDecoder:
    """Decodes lines of JSON into record batches.

    Parameters
    ----------
    schema
        Of the table. Its names are the objects' keys, with regard to case.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = pa.schema(
            [pa.field(f.name, row_type(f.type), f.nullable) for f in schema.remove_metadata()]
        )
        self._read_line = line_reader(self._schema)
        self._is_bulk = all(_is_bulk(field.type) for field in self._schema)
        text = [pa.field(f.name, _as_text(f.type)) for f in self._schema]
        self._parse = pa.json.ParseOptions(
            explicit_schema=pa.schema(text), unexpected_field_behavior="error"
        )

    def decode(self, lines: bytes) -> pa.RecordBatch | None:
        """Rows of many lines at once, each of which ends with a newline.

        Returns
        -------
        pa.RecordBatch or None
            None if they must be read line by line: one of them may be at fault.
        """
        return self._decode(lines, _count_objects(lines))

    def decode_documents(self, documents: Sequence[bytes]) -> pa.RecordBatch | None:
        """Rows of documents, each of which is one object, and may have lines of its own.

        Returns
        -------
        pa.RecordBatch or None
            None if they must be read one by one: one of them may be at fault, or no object.
        """
        count = len(documents)
        joined = b"\n".join(documents) + b"\n"
        if joined.count(b"\n") != count or not _are_objects(joined, count):
            documents = [document.strip(_SPACE) for document in documents]
            if not all(one[:1] == b"{" and one[-1:] == b"}" for one in documents):
                return None
            joined = b"\n".join(documents) + b"\n"
        return self._decode(joined, count)

    def _decode(self, lines: bytes, count: int | None) -> pa.RecordBatch | None:
        """Rows of so many texts, each of which begins and ends as an object does.

        With as many rows each is one object: within one, no brace closes before another opens
        without a comma between, and no text has a newline in it.
        """
        if not self._is_bulk or count is None:
            return None
        options = pa.json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
        try:
            table = pa.json.read_json(pa.BufferReader(lines), options, self._parse)
            table = table.cast(pa.schema([f.with_nullable(True) for f in self._schema]))
            # its reader checks neither that a text is UTF-8 nor all digits of a decimal
            table.validate(full=True)
        except pa.ArrowException:
            return None
        if table.num_rows != count or not all(map(_is_whole, table.columns, self._schema)):
            return None
        arrays = [column.combine_chunks() for column in table.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def decode_line(self, line: bytes) -> dict[str, Any]:
        """The row of one line, for :meth:`batch`.

        Raises
        ------
        RowError
            If it is no JSON object, or does not fit the schema.
        """
        return self._read_line(line)

    def batch(self, rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
        """Rows of :meth:`decode_line` as a record batch."""
        array = pa.array(rows, pa.struct(list(self._schema)))
        return pa.RecordBatch.from_arrays(array.flatten(), schema=self._schema)


def _count_objects(lines: bytes) -> int | None:
    """How many lines there are that begin and end as an object does; None if one does not."""
    count = lines.count(b"\n")
    if _are_objects(lines, count):
        return count
    stripped = [line for line in (one.strip(BLANK) for one in lines.split(b"\n")) if line]
    if all(line[:1] == b"{" and line[-1:] == b"}" for line in stripped):
        return len(stripped)
    return None


def _are_objects(joined: bytes, count: int) -> bool:
    """Whether each of so many lines begins and ends as an object does."""
    begins, ends = joined[:1] == b"{", joined[-2:] == b"}\n"
    return begins and ends and joined.count(b"}\n{") == count - 1


def row_type(kind: pa.DataType) -> pa.DataType:
    """The type with 32-bit offsets, which is what rows are decoded into."""
    types = pa.types
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind):
        return pa.binary()
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(kind.value_field.with_type(row_type(kind.value_type)))
    if types.is_struct(kind):
        return pa.struct([f.with_type(row_type(f.type)) for f in kind])
    if types.is_map(kind):
        return pa.map_(row_type(kind.key_type), kind.item_field.with_type(row_type(kind.item_type)))
    return kind


def _is_bulk(kind: pa.DataType) -> bool:
    """Whether Arrow's reader knows a type, and refuses in it what is to be refused."""
    types = pa.types
    if types.is_struct(kind):
        return all(field.nullable and _is_bulk(field.type) for field in kind)
    if types.is_list(kind):
        return bool(kind.value_field.nullable) and _is_bulk(kind.value_type)
    return not (types.is_map(kind) or types.is_binary(kind))


def _as_text(kind: pa.DataType) -> pa.DataType:
    """The type in which Arrow's JSON reader takes a column before it is cast.

    Its own times have no zone, and its dates are numbers.
    """
    types = pa.types
    if types.is_temporal(kind):
        return pa.string()
    if types.is_float32(kind):
        return pa.float64()
    if types.is_struct(kind):
        return pa.struct([pa.field(f.name, _as_text(f.type)) for f in kind])
    if types.is_list(kind):
        return pa.list_(_as_text(kind.value_type))
    return kind


def _is_whole(column: pa.ChunkedArray, field: pa.Field) -> bool:
    """Whether a decoded column is as JSON may have it: no null where none may be, no infinity."""
    return (field.nullable or not column.null_count) and all(map(_is_finite, column.chunks))


def _is_finite(array: pa.Array) -> bool:
    types, kind = pa.types, array.type
    if types.is_floating(kind):
        return bool(pc.all(pc.is_finite(array), min_count=0).as_py())
    if types.is_struct(kind):
        return all(map(_is_finite, array.flatten()))
    if types.is_list(kind):
        return _is_finite(array.flatten())
    return True
