"""An array under another type of the same layout: other names, or other nullability, no copy."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class _Relabelled:
    """What the Arrow PyCapsule interface asks for: a type, and buffers that go with it."""

    values: pa.Array
    kind: pa.DataType

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return self.kind.__arrow_c_schema__(), self.values.__arrow_c_array__()[1]


def relabelled(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same values and buffers, offset included.

    Parameters
    ----------
    values
        Of a type that differs from ``kind`` in names, metadata or nullability of nested fields.
    kind
        The type of the result.
    """
    if values.type.equals(kind, check_metadata=True):
        return values
    return pa.array(_Relabelled(values, kind))
