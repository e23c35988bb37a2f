"""Deletion vectors: where they are stored, and which rows of a file they delete.

Source: Delta Transaction Log Protocol, "Deletion Vector Descriptor Schema", "Deletion Vector
Format"; RoaringFormatSpec (github.com/RoaringBitmap/RoaringFormatSpec).
"""

from __future__ import annotations

import base64
import struct
import uuid
import zlib
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from neuralake.delta.actions import DeletionVector
from neuralake.delta.paths import placed
from neuralake.delta.store import Store

Rows: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]

_MAGIC = 1681511377
_UUID_LENGTH = 20  # of its 16 bytes in Z85
_COOKIE_WITH_RUNS = 12347
_COOKIE = 12346
_OFFSETS_FROM = 4  # containers, where there are runs
_LONGEST_ARRAY = 4096
_BITMAP_BYTES = 8192
# Z85 and RFC 1924 encode alike, in other characters
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_RFC1924 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_TO_RFC1924 = bytes.maketrans(_Z85, _RFC1924)


def vector_place(uri: str, vector: DeletionVector) -> str | None:
    """Where a deletion vector is stored: a path below the table, or an absolute one.

    Parameters
    ----------
    uri
        Of the table.
    vector
        What the log says of it.

    Returns
    -------
    str or None
        None if it is in the log itself.

    Raises
    ------
    ValueError
        If the log says what no reader understands.
    """
    text = vector.path_or_inline_dv
    if vector.storage_type == "i":
        return None
    if vector.storage_type == "p":
        return placed(uri, text)
    if vector.storage_type == "u" and len(text) >= _UUID_LENGTH:
        prefix, code = text[:-_UUID_LENGTH], text[-_UUID_LENGTH:]
        name = f"deletion_vector_{uuid.UUID(bytes=_decoded(code))}.bin"
        return f"{prefix}/{name}" if prefix else name
    raise ValueError(f"a deletion vector is stored as {vector.storage_type!r}: {text!r}")


def deleted_rows(store: Store, vector: DeletionVector) -> Rows:
    """Numbers of the rows that a deletion vector deletes, ascending; the first row is 0.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or is not as the log says.
    """
    place = vector_place(store.uri, vector)
    if place is None:
        data = _decoded(vector.path_or_inline_dv)[: vector.size_in_bytes]
    else:
        data = _stored(store.read(place), vector, place)
    try:
        rows = _roaring_array(data)
    except (struct.error, ValueError) as error:
        raise ValueError(f"a deletion vector cannot be decoded: {error}") from error
    if len(rows) != vector.cardinality:
        raise ValueError(
            f"a deletion vector deletes {len(rows)} rows, and the log says {vector.cardinality}"
        )
    return rows


def kept_rows(store: Store, vector: DeletionVector) -> pa.BooleanArray:
    """For each row, up to the last that is deleted, whether it is still there."""
    deleted = deleted_rows(store, vector)
    kept = np.ones(int(deleted[-1]) + 1 if len(deleted) else 0, np.bool_)
    kept[deleted] = False
    return pa.array(kept)


def _stored(content: bytes, vector: DeletionVector, place: str) -> bytes:
    start, size = vector.offset or 0, vector.size_in_bytes
    end = start + 4 + size
    if len(content) < end + 4:
        raise ValueError(f"{place} ends within a deletion vector")
    (said,) = struct.unpack_from(">I", content, start)
    (checksum,) = struct.unpack_from(">I", content, end)
    data = content[start + 4 : end]
    if said != size or zlib.crc32(data) != checksum:
        raise ValueError(f"{place} is damaged: a deletion vector in it fails its checksum")
    return data


def _roaring_array(data: bytes) -> Rows:
    """Members of a 64-bit bitmap in the portable format, after Delta's magic number."""
    magic, buckets = struct.unpack_from("<IQ", data)
    if magic != _MAGIC:
        raise ValueError(f"its magic number is {magic}")
    at = 12
    found = [np.empty(0, np.int64)]
    for _ in range(buckets):
        (high,) = struct.unpack_from("<I", data, at)
        members, at = _roaring(data, at + 4)
        found.append(members + (high << 32))
    return np.concatenate(found)


def _roaring(data: bytes, at: int) -> tuple[Rows, int]:
    """Members of the 32-bit bitmap that begins at a place, and the place after it."""
    (cookie,) = struct.unpack_from("<I", data, at)
    at += 4
    runs = 0
    if cookie & 0xFFFF == _COOKIE_WITH_RUNS:
        containers = (cookie >> 16) + 1
        flags = (containers + 7) // 8
        runs = int.from_bytes(data[at : at + flags], "little")
        at += flags
    elif cookie == _COOKIE:
        (containers,) = struct.unpack_from("<I", data, at)
        at += 4
    else:
        raise ValueError(f"its cookie is {cookie}")
    header = np.frombuffer(data, "<u2", 2 * containers, at).reshape(-1, 2).tolist()
    at += 4 * containers
    if cookie == _COOKIE or containers >= _OFFSETS_FROM:
        at += 4 * containers
    found = [np.empty(0, np.int64)]
    for i, (high, fewer) in enumerate(header):
        if runs >> i & 1:
            (count,) = struct.unpack_from("<H", data, at)
            pairs = np.frombuffer(data, "<u2", 2 * count, at + 2).reshape(-1, 2).tolist()
            at += 2 + 4 * count
            members = [np.arange(first, first + length + 1) for first, length in pairs]
            low = np.concatenate(members) if members else np.empty(0, np.int64)
        elif fewer < _LONGEST_ARRAY:
            low = np.frombuffer(data, "<u2", fewer + 1, at).astype(np.int64)
            at += 2 * (fewer + 1)
        else:
            bits = np.frombuffer(data, np.uint8, _BITMAP_BYTES, at)
            low = np.flatnonzero(np.unpackbits(bits, bitorder="little"))
            at += _BITMAP_BYTES
        found.append(low + (high << 16))
    return np.concatenate(found), at


def _decoded(text: str) -> bytes:
    """Bytes of their Z85 code."""
    return base64.b85decode(text.encode().translate(_TO_RFC1924))
