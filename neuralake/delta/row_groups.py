"""Row groups of Parquet that are put together to a file as they were encoded, and not read for it.

Of a row group only the footer says where it lies, in so many numbers of Thrift's compact protocol:
these are written anew, and all else is copied. Sources: Apache Parquet, ``parquet.thrift``; Apache
Thrift, "Thrift Compact protocol".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.varint import varint

_MAGIC = b"PAR1"
_TAIL = struct.Struct("<I4s")
# Types of the compact protocol; its booleans are in the type where they are fields
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData
_NUM_ROWS, _ROW_GROUPS = 3, 4
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7
_CHUNK_OFFSET, _META_DATA, _INDEXES = 2, 3, (4, 5, 6, 7)
_PAGE_OFFSETS, _BLOOM_FILTER = (9, 10, 11), 14


@dataclass(frozen=True)
class RowGroup:
    """A row group that has not its place in a file yet.

    Attributes
    ----------
    rows
        Number of its rows.
    data
        Its column chunks.
    described
        What the footer says of it, cut where that depends on the place.
    offsets
        What belongs between two of these: an offset in ``data``, or None for the number of the
        group in its file.
    around
        What the footer says before the number of rows, between it and the groups, and after them.
    """

    rows: int
    data: bytes
    described: tuple[bytes, ...]
    offsets: tuple[int | None, ...]
    around: tuple[bytes, bytes, bytes]


def encode(table: pa.Table, dictionaries: Sequence[str]) -> RowGroup:
    """A table as one row group.

    Parameters
    ----------
    table
        Of one row at least.
    dictionaries
        Columns, as Parquet calls them, in which values are often the same.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=table.num_rows,
        store_schema=False,
        use_dictionary=list(dictionaries),
    )
    return _split(sink.getvalue().to_pybytes())


def assemble(groups: Sequence[RowGroup]) -> list[bytes]:
    """The parts of a file of row groups that were encoded of one schema, in their order."""
    footer = [groups[0].around[0], varint(_zigzag(sum(group.rows for group in groups)))]
    few = len(groups) < 15
    header = bytes([len(groups) << 4 | _STRUCT]) if few else b"\xfc" + varint(len(groups))
    footer += [groups[0].around[1], header]
    start = len(_MAGIC)
    for ordinal, group in enumerate(groups):
        for piece, offset in zip(group.described, (*group.offsets, -1), strict=True):
            footer.append(piece)
            if offset is None:
                footer.append(varint(_zigzag(ordinal)))
            elif offset >= 0:
                footer.append(varint(_zigzag(start + offset)))
        start += len(group.data)
    footer.append(groups[0].around[2])
    said = b"".join(footer)
    return [_MAGIC, *(group.data for group in groups), said, _TAIL.pack(len(said), _MAGIC)]


def _split(content: bytes) -> RowGroup:
    """The row group of a file that has one, and no indexes or filters beside it."""
    length, _ = _TAIL.unpack(content[-_TAIL.size :])
    end = len(content) - _TAIL.size - length
    reader = _Reader(content[end : -_TAIL.size])
    rows = 0
    bounds: dict[int, tuple[int, int]] = {}
    for number, kind in reader.fields():
        begin = reader.at
        if number == _NUM_ROWS:
            rows = _unzigzag(reader.varint())
        elif number == _ROW_GROUPS:
            count = reader.row_groups()
            if count != 1:
                raise ValueError(f"a file of one row group was expected, and has {count}")
        else:
            reader.skip(kind)
        bounds[number] = begin, reader.at
    text = reader.content
    (first, second), (third, fourth) = bounds[_NUM_ROWS], bounds[_ROW_GROUPS]
    pieces, offsets, at = [], [], third + 1  # after the list's header, of one byte
    for begin, stop, value in reader.cuts:
        pieces.append(text[at:begin])
        offsets.append(None if value is None else value - len(_MAGIC))
        at = stop
    pieces.append(text[at:fourth])
    around = text[:first], text[second:third], text[fourth:]
    return RowGroup(rows, content[len(_MAGIC) : end], tuple(pieces), tuple(offsets), around)


class _Reader:
    """Goes through a footer, and notes where what depends on the place of a row group stands."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0
        # Begin, end, and the offset in the file, or None for the group's number
        self.cuts: list[tuple[int, int, int | None]] = []

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.content[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct, of which the value is to be read then."""
        number = 0
        while (byte := self.content[self.at]) != 0:
            self.at += 1
            number = number + (byte >> 4) if byte >> 4 else _unzigzag(self.varint())
            yield number, byte & 0x0F
        self.at += 1

    def items(self) -> Iterator[int]:
        """Type of each item of a list, which is to be read then."""
        byte = self.content[self.at]
        self.at += 1
        count = byte >> 4 if byte >> 4 < 15 else self.varint()
        for _ in range(count):
            yield byte & 0x0F

    def skip(self, kind: int, *, is_item: bool = False) -> None:
        if kind in (_TRUE, _FALSE):
            self.at += is_item
        elif kind == _BYTE:
            self.at += 1
        elif kind in _INTEGERS:
            self.varint()
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self.varint()
            self.at += length
        elif kind in (_LIST, _SET):
            for item in self.items():
                self.skip(item, is_item=True)
        elif kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner)
        else:
            raise ValueError(f"a footer of Parquet has no values of type {kind}")

    def row_groups(self) -> int:
        """Go through them; how many there are."""
        count = 0
        for _ in self.items():
            count += 1
            for number, kind in self.fields():
                if number == _COLUMNS:
                    for _ in self.items():
                        self._chunk()
                elif number == _GROUP_OFFSET:
                    self._cut()
                elif number == _ORDINAL:
                    self._cut(is_offset=False)
                else:
                    self.skip(kind)
        return count

    def _chunk(self) -> None:
        for number, kind in self.fields():
            if number == _CHUNK_OFFSET and self.content[self.at]:  # 0, since it means nothing
                self._cut()
            elif number == _META_DATA:
                for inner, inner_kind in self.fields():
                    if inner in _PAGE_OFFSETS:
                        self._cut()
                    elif inner == _BLOOM_FILTER:
                        raise ValueError("a row group with bloom filters cannot be moved")
                    else:
                        self.skip(inner_kind)
            elif number in _INDEXES:
                raise ValueError("a row group with indexes cannot be moved")
            else:
                self.skip(kind)

    def _cut(self, *, is_offset: bool = True) -> None:
        begin = self.at
        value = _unzigzag(self.varint())
        self.cuts.append((begin, self.at, value if is_offset else None))


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
