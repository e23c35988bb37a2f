"""Files that were removed, as a checkpoint tells of them: in row groups of their own, by their age.

A reader that wants none skips these by their statistics, and who makes the next checkpoint copies
those of which nothing is to be changed. So that there are few, and little is encoded twice, what
came last is put together with the groups before it that are not much larger.
Source: Delta Transaction Log Protocol, "Add File and Remove File", "Action Reconciliation".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neuralake.delta.actions import DeletionVector
from neuralake.delta.paths import placed
from neuralake.delta.row_groups import RowGroup, assemble

Key: TypeAlias = tuple[str, str | None]
_Integers: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

# A path that may be another spelling of another one: absolute, with dots, or percent-encoded
_OTHERWISE_SPELT = r"[%:]|^/|//|\./"
GROUP_ROWS = 65_536
# What came last takes in a group of up to so many times its rows
_TAKES_IN = 4
# A group of which less has expired stays as it is
_EXPIRED = 0.125
# More groups than that are made anew: each is a page of the footer
_MOST_GROUPS = 32


@dataclass(frozen=True)
class Tombstones:
    """Removes that are encoded.

    Attributes
    ----------
    group
        The rows.
    keys
        Hashes of what identifies their files, in ascending order; of this process.
    moments
        When they were removed, in milliseconds since 1970, in ascending order.
    """

    group: RowGroup
    keys: _Integers
    moments: _Integers

    @classmethod
    def of(cls, rows: pa.StructArray, uri: str, encoded: RowGroup) -> Tombstones:
        """Of rows that are in the order of their moments."""
        keys = np.fromiter(map(hash, keys_of(rows, uri)), np.int64, len(rows))
        keys.sort()
        return cls(encoded, keys, _moments(rows))

    def is_to_change(self, touched: Collection[Key], since_ms: int) -> bool:
        """Whether there is more to do than to copy it, or to leave it out."""
        expired = int(np.searchsorted(self.moments, since_ms))
        if expired == len(self.moments):
            return False
        wanted = np.fromiter(map(hash, touched), np.int64, len(touched))
        places = np.searchsorted(self.keys, wanted)
        places[places == len(self.keys)] = 0
        is_touched = bool((self.keys[places] == wanted).any())
        return is_touched or expired > _EXPIRED * len(self.moments)

    def rows(self) -> pa.StructArray:
        """The rows, decoded."""
        content = pa.py_buffer(b"".join(assemble([self.group])))
        table = pq.ParquetFile(pa.BufferReader(content)).read(["remove"], use_threads=False)
        return one_array(table["remove"])


def next_tombstones(
    before: Sequence[Tombstones | pa.StructArray],
    came: pa.StructArray,
    touched: Collection[Key],
    since_ms: int,
    uri: str,
    encode: Callable[[pa.StructArray], RowGroup],
) -> list[Tombstones]:
    """What is told of after a checkpoint.

    Parameters
    ----------
    before
        What that tells of.
    came
        Removes that it does not.
    touched
        Files of which more was said since.
    since_ms
        What was removed before, in milliseconds since 1970, is told of no more; where it is a small
        part of a group, that may be later.
    uri
        Of the table.
    encode
        Makes a row group of removes.
    """
    is_crowded = len(before) > _MOST_GROUPS
    parts: list[Tombstones | pa.StructArray] = []
    for part in before:
        if not isinstance(part, Tombstones) or is_crowded or part.is_to_change(touched, since_ms):
            parts.append(_since(without(_decoded(part), touched, uri), since_ms))
        elif part.moments[-1] >= since_ms:
            parts.append(part)
    while parts and (is_crowded or _takes_in(came, parts[-1])):
        came = pa.concat_arrays([_since(_decoded(parts.pop()), since_ms), came])
    made: list[Tombstones] = []
    for part in (*parts, came):
        if isinstance(part, Tombstones):
            made.append(part)
            continue
        rows = _in_order(part)
        for start in range(0, len(rows), GROUP_ROWS):
            some = rows.slice(start, GROUP_ROWS)
            made.append(Tombstones.of(some, uri, encode(some)))
    return made


def _decoded(part: Tombstones | pa.StructArray) -> pa.StructArray:
    return part.rows() if isinstance(part, Tombstones) else part


def _takes_in(came: pa.StructArray, last: Tombstones | pa.StructArray) -> bool:
    """Whether what came is put together with what is before it."""
    if not isinstance(last, Tombstones):
        return len(came) > 0
    rows = last.group.rows
    return rows <= _TAKES_IN * len(came) and rows + len(came) <= GROUP_ROWS


def without(files: pa.StructArray, touched: Collection[Key], uri: str) -> pa.StructArray:
    """Files of a checkpoint, adds or removes, but those of which more was said since."""
    paths = files.field("path")
    places = pa.array(_places(paths, uri), paths.type) if _is_otherwise(paths) else paths
    named = pc.is_in(places, pa.array({place for place, _ in touched}, paths.type))
    found = pc.indices_nonzero(named)
    if not len(found):
        return files
    # Of one place there may be several files, of different deletion vectors
    keys = keys_of(files.take(found), uri)
    gone = [i for i, key in zip(found.to_pylist(), keys, strict=True) if key in touched]
    if not gone:
        return files
    kept = np.ones(len(files), dtype=bool)
    kept[gone] = False
    return files.filter(pa.array(kept))


def keys_of(files: pa.StructArray, uri: str) -> Iterable[Key]:
    """What identifies each file: its place, and its deletion vector."""
    paths, vectors = files.field("path"), files.field("deletionVector")
    places = _places(paths, uri) if _is_otherwise(paths) else paths.to_pylist()
    if vectors.null_count == len(vectors):
        return ((place, None) for place in places)
    return zip(places, map(_vector_id, vectors.to_pylist()), strict=True)


def one_array(column: pa.ChunkedArray) -> pa.StructArray:
    """What is not null in a column, copied only where it must be."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return array.drop_null() if array.null_count else array


def _is_otherwise(paths: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(paths, _OTHERWISE_SPELT), min_count=0).as_py())


def _places(paths: pa.Array, uri: str) -> list[str]:
    odd = re.compile(_OTHERWISE_SPELT)
    return [placed(uri, path) if odd.search(path) else path for path in paths.to_pylist()]


def _vector_id(vector: dict[str, Any] | None) -> str | None:
    if vector is None:
        return None
    said = {name: value for name, value in vector.items() if value is not None}
    return msgspec.convert(said, DeletionVector).unique_id


def _moments(rows: pa.StructArray) -> _Integers:
    found = pc.fill_null(rows.field("deletionTimestamp"), 0)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _since(rows: pa.StructArray, since_ms: int) -> pa.StructArray:
    is_young = _moments(rows) >= since_ms
    return rows if is_young.all() else rows.filter(pa.array(is_young))


def _in_order(rows: pa.StructArray) -> pa.StructArray:
    moments = _moments(rows)
    if (moments[1:] >= moments[:-1]).all():
        return rows
    return rows.take(pa.array(np.argsort(moments, kind="stable")))
