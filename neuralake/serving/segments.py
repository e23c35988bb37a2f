"""Rows of many small files as few batches, and each file still to be taken out by itself.

A file's rows come as a segment of their own; neighbours that are much alike in size are put
together, so that there are few segments and a row is copied a logarithmic number of times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import pyarrow as pa

from neuralake.delta.live_file import Key
from neuralake.serving.pruning import BatchRanges

_MOST_ROWS = 65_536
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class _Segment:
    """A batch, and whose rows it has: keys of files with their numbers of rows, in order."""

    batch: pa.RecordBatch
    parts: tuple[tuple[Key, int], ...]
    size_bytes: int
    ranges: BatchRanges


class Segments:
    """The rows of a table by file.

    Parameters
    ----------
    schema
        Of the rows.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._segments: list[_Segment] = []

    @property
    def batches(self) -> tuple[pa.RecordBatch, ...]:
        """All rows."""
        return tuple(segment.batch for segment in self._segments)

    @property
    def ranges(self) -> tuple[BatchRanges, ...]:
        """What is known of each batch."""
        return tuple(segment.ranges for segment in self._segments)

    @property
    def rows(self) -> int:
        """Their number."""
        return sum(segment.batch.num_rows for segment in self._segments)

    @property
    def size_bytes(self) -> int:
        """Their size in memory."""
        return sum(segment.size_bytes for segment in self._segments)

    def bytes_of(self, key: Key) -> float:
        """Size in memory of a file's rows, by their share of what they are put together with."""
        return sum(
            segment.size_bytes * rows / int(segment.batch.num_rows)
            for segment in self._segments
            for part, rows in segment.parts
            if part == key
        )

    def add(self, key: Key, batches: Sequence[pa.RecordBatch]) -> None:
        """Add the rows of a file."""
        for batch in batches:
            if batch.num_rows:
                self._segments.append(_segment(batch, ((key, batch.num_rows),)))
                self._merge()

    def rows_of(self, keys: Collection[Key]) -> int:
        """Number of rows of some files."""
        return sum(rows for s in self._segments for key, rows in s.parts if key in keys)

    def rename(self, keys: Collection[Key], new: Key) -> None:
        """The rows of some files are another one's from now on."""
        self._segments = [
            segment
            if all(key not in keys for key, _ in segment.parts)
            else replace(segment, parts=_renamed(segment.parts, keys, new))
            for segment in self._segments
        ]

    def remove(self, keys: Iterable[Key]) -> None:
        """Take out the rows of files."""
        gone = frozenset(keys)
        if gone:
            self._segments = [
                left
                for segment in self._segments
                if (left := _without(segment, gone, self.schema)) is not None
            ]
            self._merge()

    def _merge(self) -> None:
        """Put the last segments together while they are alike in size."""
        segments = self._segments
        while len(segments) > 1:
            one, other = segments[-2], segments[-1]
            rows = one.batch.num_rows + other.batch.num_rows
            is_alike = one.batch.num_rows < 2 * other.batch.num_rows
            if not is_alike or rows > _MOST_ROWS or one.size_bytes + other.size_bytes > _MOST_BYTES:
                return
            batch = _together([one.batch, other.batch], self.schema)
            segments[-2:] = [_segment(batch, one.parts + other.parts)]


def _segment(batch: pa.RecordBatch, parts: tuple[tuple[Key, int], ...]) -> _Segment:
    return _Segment(batch, parts, batch.nbytes, BatchRanges(batch))


def _renamed(
    parts: Sequence[tuple[Key, int]], keys: Collection[Key], new: Key
) -> tuple[tuple[Key, int], ...]:
    named = ((new if key in keys else key, rows) for key, rows in parts)
    groups = groupby(named, key=itemgetter(0))
    return tuple((key, sum(rows for _, rows in group)) for key, group in groups)


def _without(segment: _Segment, gone: frozenset[Key], schema: pa.Schema) -> _Segment | None:
    if not any(key in gone for key, _ in segment.parts):
        return segment
    slices, parts, start = [], [], 0
    for key, rows in segment.parts:
        if key not in gone:
            slices.append(segment.batch.slice(start, rows))
            parts.append((key, rows))
        start += rows
    return _segment(_together(slices, schema), tuple(parts)) if slices else None


def _together(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """A new batch of the rows of several; the memory of those is not held by it."""
    if not len(schema):
        return pa.RecordBatch.from_arrays([], schema=schema)
    columns = [pa.concat_arrays([batch.column(i) for batch in batches]) for i in range(len(schema))]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
