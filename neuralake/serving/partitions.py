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
    return typed_text(text, kind)


def typed_text(text: str, kind: pa.DataType) -> pa.Scalar:
    """A value of a type from how it is written: digits, ISO 8601, ``true``; never rounded.

    Raises
    ------
    pa.ArrowException
        If the text is none of the type's.
    """
    value = pa.scalar(text, pa.string())
    if pa.types.is_timestamp(kind):
        has_zone = _ZONE.search(text) is not None and "T" in text.upper()
        parsed = value.cast(pa.timestamp(kind.unit, "UTC" if has_zone else None))
        return pa.scalar(parsed.value, pa.int64()).cast(kind)
    return value.cast(kind)
