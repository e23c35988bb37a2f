"""The actions of a Delta log, as they are written there: a line of JSON each.

Names follow the protocol; a field that is not known is passed over on reading. Source: Delta
Transaction Log Protocol, "Actions".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from neuralake.version import __version__

# Who made a version, as its commitInfo has it
ENGINE_INFO = f"neuralake/{__version__}"


class _Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What is common to all: camel case, and nothing is written that is not said."""


class DeletionVector(_Wire, frozen=True, kw_only=True):
    """Which rows of a file are deleted."""

    storage_type: str
    path_or_inline_dv: str
    size_in_bytes: int
    cardinality: int
    offset: int | None = None

    @property
    def unique_id(self) -> str:
        """What tells it from others of the same file (protocol, "Derived Fields")."""
        tail = "" if self.offset is None else f"@{self.offset}"
        return f"{self.storage_type}{self.path_or_inline_dv}{tail}"


PartitionValues: TypeAlias = dict[str, str | None]


class Add(_Wire, frozen=True, kw_only=True):
    """A data file that belongs to the table from this version on."""

    path: str  # percent-encoded; relative to the table, or absolute
    partition_values: PartitionValues
    size: int
    modification_time: int  # ms
    data_change: bool
    stats: str | None = None
    tags: dict[str, str | None] | None = None
    deletion_vector: DeletionVector | None = None
    base_row_id: int | None = None
    default_row_commit_version: int | None = None
    clustering_provider: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What identifies a logical file: its path and its deletion vector."""
        return self.path, _vector_id(self.deletion_vector)


class Remove(_Wire, frozen=True, kw_only=True):
    """A data file that no longer belongs to the table."""

    path: str
    data_change: bool | None = None
    deletion_timestamp: int | None = None  # ms
    extended_file_metadata: bool | None = None
    partition_values: PartitionValues | None = None
    size: int | None = None
    stats: str | None = None
    tags: dict[str, str | None] | None = None
    deletion_vector: DeletionVector | None = None
    base_row_id: int | None = None
    default_row_commit_version: int | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What identifies a logical file: its path and its deletion vector."""
        return self.path, _vector_id(self.deletion_vector)


class Format(_Wire, frozen=True, kw_only=True):
    """How data files are written: always Parquet."""

    provider: str
    options: dict[str, str] = msgspec.field(default_factory=dict)


class Metadata(_Wire, frozen=True, kw_only=True):
    """Schema, partition columns and properties of the table."""

    id: str
    format: Format
    schema_string: str
    partition_columns: list[str]
    name: str | None = None
    description: str | None = None
    created_time: int | None = None  # ms
    configuration: dict[str, str] = msgspec.field(default_factory=dict)


class Protocol(_Wire, frozen=True, kw_only=True):
    """What a reader and a writer must know of to touch the table."""

    min_reader_version: int
    min_writer_version: int
    reader_features: list[str] | None = None
    writer_features: list[str] | None = None


class Transaction(_Wire, frozen=True, kw_only=True):
    """The last version of an application that is in the table (``txn``)."""

    app_id: str
    version: int
    last_updated: int | None = None  # ms


class DomainMetadata(_Wire, frozen=True, kw_only=True):
    """Configuration of a feature."""

    domain: str
    configuration: str
    removed: bool


class Sidecar(_Wire, frozen=True, kw_only=True):
    """A file of a checkpoint that holds its adds and removes."""

    path: str
    size_in_bytes: int
    modification_time: int
    tags: dict[str, str] | None = None


CommitInfo: TypeAlias = dict[str, Any]


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: just one of these, or one that is not known."""

    commitInfo: CommitInfo | None = None  # noqa: N815 - the log's own names
    protocol: Protocol | None = None
    metaData: Metadata | None = None  # noqa: N815
    txn: Transaction | None = None
    domainMetadata: DomainMetadata | None = None  # noqa: N815
    add: Add | None = None
    remove: Remove | None = None
    sidecar: Sidecar | None = None


_DECODER = msgspec.json.Decoder(Action)
_ENCODER = msgspec.json.Encoder()


def encode(actions: Iterable[Action]) -> bytes:
    """The content of a log entry."""
    return b"\n".join(map(_line, actions)) + b"\n"


def decode(content: bytes) -> tuple[Action, ...]:
    """The actions of a log entry.

    Raises
    ------
    ValueError
        If it is not lines of JSON with the fields that the protocol requires.
    """
    return tuple(_DECODER.decode(line) for line in content.split(b"\n") if line.strip())


def _line(action: Action) -> bytes:
    if action.metaData is None:  # of which the protocol requires even what is empty
        return _ENCODER.encode(action)
    written = msgspec.to_builtins(action)
    written["metaData"].setdefault("configuration", {})
    written["metaData"]["format"].setdefault("options", {})
    return _ENCODER.encode(written)


def _vector_id(vector: DeletionVector | None) -> str | None:
    return None if vector is None else vector.unique_id
