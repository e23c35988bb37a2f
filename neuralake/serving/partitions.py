"""Values of partition columns, which a log has as text.

Source: Delta Transaction Log Protocol, "Partition Value Serialization".
"""

from __future__ import annotations

import math
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
    return _typed(text, kind)


def typed_text(text: str, kind: pa.DataType) -> pa.Scalar:
    """A value of a type from how somebody wrote it: digits, ISO 8601, ``true``; never rounded.

    Raises
    ------
    pa.ArrowException
        If the text is none of the type's: also a number beyond it, which would be infinite, and an
        offset from UTC where the type has none, which would be passed over.
    """
    found = _typed(text, kind)
    types = pa.types
    is_beyond = types.is_floating(kind) and math.isinf(found.as_py()) and "inf" not in text.lower()
    if is_beyond or (types.is_timestamp(kind) and kind.tz is None and _has_zone(text)):
        raise pa.ArrowInvalid(f"{text!r:.60} is no {kind}")
    return found


def _has_zone(text: str) -> bool:
    return _ZONE.search(text) is not None and "T" in text.upper()


def _typed(text: str, kind: pa.DataType) -> pa.Scalar:
    value = pa.scalar(text, pa.string())
    if pa.types.is_timestamp(kind):
        parsed = value.cast(pa.timestamp(kind.unit, "UTC" if _has_zone(text) else None))
        return pa.scalar(parsed.value, pa.int64()).cast(kind)
    return value.cast(kind)
