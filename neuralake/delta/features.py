"""Which features of a table a writer of ours keeps, and which it refuses by name.

A writer that ignores a feature breaks the table for those who rely on it, so that what is not
known here is refused, features to come included. Source: Delta Transaction Log Protocol, "Table
Features", "Writer Version Requirements", "Valid Feature Names in Table Features".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from neuralake.delta.actions import Metadata
from neuralake.delta.state import TableState

# What writers of a version without a list of features must know, beside that of those before it
_BY_WRITER_VERSION = {
    2: ("appendOnly", "invariants"),
    3: ("checkConstraints",),
    4: ("changeDataFeed", "generatedColumns"),
    5: ("columnMapping",),
    6: ("identityColumns",),
}
_NEWEST_READER, _NEWEST_WRITER = 3, 7

# An append of rows keeps these by what it writes, or they ask nothing of it
_APPENDABLE = frozenset(
    {
        "appendOnly",
        "changeDataFeed",  # rows that are only added have no change files
        "checkConstraints",  # each batch is verified
        "columnMapping",
        "deletionVectors",  # a new file has none
        "domainMetadata",  # none is changed
        "inCommitTimestamp",
        "invariants",  # each batch is verified
        "timestampNtz",
        "typeWidening",  # files are written in the newest type
        "typeWidening-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
    }
)
# A compaction keeps rows as they are, so that no value is computed or verified anew
_REARRANGEABLE = _APPENDABLE | {
    "allowColumnDefaults",
    "checkpointProtection",
    "generatedColumns",
    "identityColumns",
}
# It is known what these add to the actions of a log, and which files are needed by them
_UNDERSTOOD = _REARRANGEABLE | {
    "clustering",
    "icebergCompatV1",
    "icebergCompatV2",
    "materializePartitionColumns",
    "rowTracking",
    "variantType",
    "variantType-preview",
}
# Features that ask nothing where no column, or no property, makes use of them
_DORMANT = {
    "allowColumnDefaults": "CURRENT_DEFAULT",
    "generatedColumns": "delta.generationExpression",
    "identityColumns": "delta.identity.start",
}
_DORMANT_UNLESS_SET = {
    "icebergCompatV1": "delta.enableIcebergCompatV1",
    "icebergCompatV2": "delta.enableIcebergCompatV2",
}
# Row ids are due as soon as they are supported, enabled or not
_DORMANT_IF_SET = {"rowTracking": "delta.rowTrackingSuspended"}


class RefusedFeatureError(Exception):
    """A table has a feature that a writer of ours does not keep.

    Attributes
    ----------
    feature
        Its name in the protocol.
    """

    def __init__(self, feature: str) -> None:
        super().__init__(f"the table has the feature {feature}, which Neuralake's writer lacks")
        self.feature = feature


def check_appendable(state: TableState) -> None:
    """Make sure that rows can be appended without breaking a feature of the table.

    Raises
    ------
    RefusedFeatureError
        Otherwise; it names the feature.
    """
    _check(state, _APPENDABLE)


def check_rearrangeable(state: TableState) -> None:
    """Make sure that rows can move from file to file without breaking a feature of the table.

    Raises
    ------
    RefusedFeatureError
        Otherwise; it names the feature.
    """
    _check(state, _REARRANGEABLE)


def check_checkpointable(state: TableState) -> None:
    """Make sure that a checkpoint that is made here is a right one.

    Raises
    ------
    RefusedFeatureError
        Otherwise; it names the feature.
    """
    _check(state, _UNDERSTOOD)


def check_expirable(state: TableState) -> None:
    """Make sure that the older part of a log may be removed.

    Raises
    ------
    RefusedFeatureError
        Otherwise; it names the feature.
    """
    _check(state, _UNDERSTOOD - {"checkpointProtection"})


def check_vacuumable(state: TableState) -> None:
    """Make sure that it is known which files of a table are needed (``vacuumProtocolCheck``).

    Raises
    ------
    RefusedFeatureError
        Otherwise; it names the feature.
    """
    _check(state, _UNDERSTOOD)


def supported(state: TableState) -> frozenset[str]:
    """The features that the protocol of a table supports, by list or by version."""
    version = state.protocol.min_writer_version
    if version >= _NEWEST_WRITER:
        return state.features
    implied = (names for at, names in _BY_WRITER_VERSION.items() if at <= version)
    return state.features | frozenset(name for names in implied for name in names)


def column_metadata(metadata: Metadata) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names, nested ones with dots, and metadata of all columns of a table."""
    schema = json.loads(metadata.schema_string)
    yield from _fields(schema, "")


def _fields(kind: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(kind, dict):
        return
    for field in kind.get("fields", ()):
        yield prefix + field["name"], field.get("metadata") or {}
        yield from _fields(field["type"], f"{prefix}{field['name']}.")
    for part, name in (("elementType", "element"), ("keyType", "key"), ("valueType", "value")):
        yield from _fields(kind.get(part), f"{prefix}{name}.")


def _is_dormant(feature: str, state: TableState) -> bool:
    if (marker := _DORMANT.get(feature)) is not None:
        return not any(marker in found for _, found in column_metadata(state.metadata))
    if (name := _DORMANT_UNLESS_SET.get(feature)) is not None:
        return not state.is_set(name)
    if (name := _DORMANT_IF_SET.get(feature)) is not None:
        return state.is_set(name)
    return False


def _check(state: TableState, kept: frozenset[str]) -> None:
    protocol = state.protocol
    if protocol.min_reader_version > _NEWEST_READER:
        raise RefusedFeatureError(f"reader version {protocol.min_reader_version}")
    if protocol.min_writer_version > _NEWEST_WRITER:
        raise RefusedFeatureError(f"writer version {protocol.min_writer_version}")
    refused = sorted(f for f in supported(state) - kept if not _is_dormant(f, state))
    if refused:
        raise RefusedFeatureError(refused[0])
