"""A short fingerprint of a result, to see that a later run gave the same answer."""

from __future__ import annotations

import hashlib
import io

import pyarrow as pa
import pyarrow.csv as pacsv


class _Hash(io.RawIOBase):
    """A file that keeps only the hash of what is written to it."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self._hash.update(view)
        return view.nbytes

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def digest(table: pa.Table) -> str:
    """Digest of a result: column names, types, and values in row order.

    Equal digests mean equal results. Unequal ones can still be equal in meaning (rows tied under
    the ORDER BY, the last bit of a sum of floats), which :func:`neuralake.queries.answers.compare`
    decides.

    Parameters
    ----------
    table
        Any result; values that CSV cannot hold (lists, bytes) are hashed by their text.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b, 128 bit).
    """
    sink = _Hash()
    plain = [plain_column(column) for column in table.columns]
    header = [
        f"{name}:{column.type}" for name, column in zip(table.column_names, plain, strict=True)
    ]
    sink.write("\n".join(header).encode())
    names = [str(index) for index in range(len(plain))]
    pacsv.write_csv(pa.table(plain, names=names), sink)
    return sink.hexdigest()


def _is_binary(dtype: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(dtype)
        or pa.types.is_large_binary(dtype)
        or pa.types.is_binary_view(dtype)
        or pa.types.is_fixed_size_binary(dtype)
    )


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in the one encoding of its logical type, as CSV can hold it.

    How an engine encodes strings is not its answer. Lists, structs, bytes and
    intervals become text.
    """
    dtype = column.type
    if pa.types.is_dictionary(dtype):
        return plain_column(column.cast(dtype.value_type))
    if pa.types.is_string_view(dtype) or pa.types.is_string(dtype):
        return column.cast(pa.large_string())
    if pa.types.is_nested(dtype) or pa.types.is_interval(dtype) or _is_binary(dtype):
        texts = [None if value is None else repr(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column
