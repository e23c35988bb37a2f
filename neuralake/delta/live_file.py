"""A data file of a table as its log tells of it: live, or removed and still needed by readers.

Source: Delta Transaction Log Protocol, "Add File and Remove File".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from neuralake.delta.actions import Add, DeletionVector, PartitionValues

Key: TypeAlias = tuple[str, str | None]


class _Count(msgspec.Struct):
    numRecords: int | None = None  # noqa: N815 - the log's name


_COUNT = msgspec.json.Decoder(_Count)


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data file of the table, with the rows that its deletion vector leaves.

    Attributes
    ----------
    place
        Its path below the table, not percent-encoded; or, of one that lies elsewhere, the absolute
        path or URI.
    add
        What the log says of it; without statistics unless they were asked for.
    rows
        Rows in the file, deleted ones included, as the log says; None where it does not.
    version
        Of the entry that added it; None if a checkpoint told of it.
    """

    place: str
    add: Add
    rows: int | None
    version: int | None

    @property
    def key(self) -> Key:
        """What identifies it in its table."""
        return self.place, self.add.key[1]

    @property
    def partition_values(self) -> PartitionValues:
        """Values of the partition columns, as the log has them."""
        return self.add.partition_values

    @property
    def deleted(self) -> int:
        """Number of its rows that are deleted."""
        vector = self.add.deletion_vector
        return 0 if vector is None else vector.cardinality


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A file that was removed, and may still be needed by readers of earlier versions.

    Attributes
    ----------
    place
        As of :class:`LiveFile`.
    deletion_vector
        That of the file as it was removed.
    timestamp_ms
        When it was removed, as the remover says; 0 where it does not.
    version
        Of the entry that removed it; None if a checkpoint told of it.
    size_bytes
        Its size; 0 where it is not told.
    """

    place: str
    deletion_vector: DeletionVector | None
    timestamp_ms: int
    version: int | None
    size_bytes: int


def rows_of(statistics: str | None) -> int | None:
    """Rows of a file by the statistics that the log has of it; None where it does not tell."""
    if not statistics:
        return None
    try:
        return _COUNT.decode(statistics).numRecords
    except msgspec.DecodeError:  # statistics are optional, and these are none
        return None
