"""CSV as RFC 4180 has it: a header line, commas, CRLF, quotes doubled within quotes.

Texts and names are always in quotes, and nothing else is, so that a missing value (nothing) and an
empty text (``""``) differ. What is nested is JSON in a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.serving.formats.json_text import fragments
from neuralake.serving.formats.text import is_text, joined, plain_text, simplified

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_ROWS_AT_ONCE = 16_384


def encode(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """An answer piece by piece."""
    names = (name.replace('"', '""') for name in schema.names)
    yield ",".join(f'"{name}"' for name in names).encode() + b"\r\n"
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield _lines(batch.slice(start, _ROWS_AT_ONCE))


def _lines(batch: pa.RecordBatch) -> bytes:
    parts: list[pa.Array | str] = []
    for column in batch.columns:
        parts += [_fields(column), ","]
    if not parts:
        return b"\r\n" * int(batch.num_rows)
    rows = joined([*parts[:-1], "\r\n"])
    offsets = pa.array([0, len(rows)], pa.int32())
    whole = pc.binary_join(pa.ListArray.from_arrays(offsets, rows), "")
    return bytes(whole[0].as_buffer())


def _fields(values: pa.Array) -> pa.Array:
    values = simplified(values)
    if values.type.num_fields or pa.types.is_nested(values.type):
        text = pc.if_else(pc.is_valid(values), fragments(values), pa.scalar(None, pa.string()))
        found = _quoted(text)
    elif is_text(values.type):
        found = _quoted(values)
    else:
        found = plain_text(values)
    return pc.fill_null(found, "") if found.null_count else found


def _quoted(values: pa.Array) -> pa.Array:
    return joined(['"', pc.replace_substring(values, '"', '""'), '"'])
