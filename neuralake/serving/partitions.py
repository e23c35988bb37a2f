"""Values of partition columns, which a log has as text.

Source: Delta Transaction Log Protocol, "Partition Value Serialization".
"""

from __future__ import annotations

import re

import pyarrow as pa

_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


def partition_scalar(text: str | None, kind: pa.DataType) -> pa.Scalar:
    """The value of a partition column.

    Parameters
    ----------
    text
        As the log has it; None and the empty text are null.
    kind
        Type of the column.

    Raises
    ------
    pa.ArrowInvalid
        If the text is none of the type's.
    """
    if text is None or not text:
        return pa.scalar(None, kind)
    types = pa.types
    if types.is_binary(kind) or types.is_large_binary(kind):
        return pa.scalar(text.encode("utf-8", "surrogateescape"), kind)
    value = pa.scalar(text, pa.string())
    if types.is_timestamp(kind) and kind.tz is not None:
        naive = pa.timestamp(kind.unit)
        parsed = pa.timestamp(kind.unit, "UTC") if _ZONE.search(text) else naive
        at = value.cast(parsed)
        return pa.scalar(at.value, pa.int64()).cast(kind)
    return value.cast(kind)
