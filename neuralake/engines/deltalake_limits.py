"""Which tables deltalake changes rightly, and which it must not be given.

It finds a feature that it lacks when it commits, its files written by then, and of what it would
get wrong it says nothing: so both are looked for beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.catalog.tables import DeltaTable
from neuralake.delta.columns import mapping_mode
from neuralake.delta.paths import is_absolute
from neuralake.errors import UnsupportedWriteError

if TYPE_CHECKING:
    import deltalake

# Writer features that deltalake 1.6 keeps, as tests/engines/test_unsupported_writes.py shows
_KEPT = frozenset(
    {
        "appendOnly",
        "changeDataFeed",
        "checkConstraints",
        "columnMapping",
        "deletionVectors",
        "generatedColumns",
        "invariants",
        "timestampNtz",
        "v2Checkpoint",
        "variantType",
    }
)
_FEATURES, _IDENTITY = 7, 6  # writer versions: of a list of features, and of identity columns
# In the address of a table deltalake 1.6 panics at these, takes \ for /, and % for an escape
_PANICS = "[]^|\\"
_REWRITING = frozenset({"delete", "delete_keys", "update", "merge", "compact", "z_order"})
_REMOVING = frozenset({"delete", "delete_keys", "update", "merge"})
_JOINING = frozenset({"compact", "z_order"})
_WRITING = _REWRITING | {"append"}
# What delta-rs, which decodes the path of a file and encodes it again, leaves as it is
_UNESCAPED = "/!$&'()+,:;=@~"
_RESPELLED = "its partition column {} is binary, of which it writes other bytes into the log"
_DOUBTFUL = r"[^A-Za-z0-9_./!$&'()+,:;=@~-]|^[A-Za-z][A-Za-z0-9+.-]+:|^/"


def refuse_place(table: DeltaTable) -> None:
    """Make sure that deltalake writes where a table is to be, and nowhere else.

    Raises
    ------
    UnsupportedWriteError
        If it would panic, or write to another directory; the message names the character.
    """
    found = next((c for c in table.uri if c in _PANICS), None)
    if found is None and unquote(table.uri) != table.uri:
        found = "%"
    if found is not None:
        raise UnsupportedWriteError(
            f"table {table.name}: deltalake cannot write to {table.uri}: rename what has a {found}"
        )


def refuse(table: DeltaTable, target: deltalake.DeltaTable, capability: str) -> None:
    """Make sure that deltalake changes such a table rightly.

    Parameters
    ----------
    table
        For messages.
    target
        As it is now.
    capability
        What is to be done.

    Raises
    ------
    UnsupportedWriteError
        Otherwise; it names what stands against it.
    """
    found = (
        _unkept(target, capability)
        or _unreachable(target, capability)
        or _respelled(target, capability)
    )
    if found is not None:
        raise UnsupportedWriteError(
            f"table {table.name}: deltalake cannot {capability.replace('_', ' ')} here: {found}"
        )


def refuse_partitions(table: DeltaTable, schema: pa.Schema, partition_by: Iterable[str]) -> None:
    """Make sure that deltalake makes such a table rightly.

    Raises
    ------
    UnsupportedWriteError
        If it is partitioned by what deltalake writes otherwise; the message names the column.
    """
    if (found := _binary_partition(schema, partition_by)) is not None:
        raise UnsupportedWriteError(
            f"table {table.name}: deltalake cannot create it: {_RESPELLED.format(found)}"
        )


def _respelled(target: deltalake.DeltaTable, capability: str) -> str | None:
    if capability not in _WRITING:
        return None
    schema = pa.schema(target.schema().to_arrow())
    found = _binary_partition(schema, target.metadata().partition_columns)
    return None if found is None else _RESPELLED.format(found)


def _binary_partition(schema: pa.Schema, partition_by: Iterable[str]) -> str | None:
    """The partition column of which deltalake writes other values than it was given.

    The protocol tells bytes by their characters in the JSON of the log ("Partition Value
    Serialization"); deltalake 1.6 writes the escapes themselves, a backslash, a u and four digits,
    which every reader takes for six bytes, itself included.
    """
    names = (n for n in partition_by if plain_type(schema.field(n).type) == pa.binary())
    return next(names, None)


def _unkept(target: deltalake.DeltaTable, capability: str) -> str | None:
    protocol = target.protocol()
    features = set(protocol.writer_features or ())
    if protocol.min_writer_version == _IDENTITY:
        features.add("identityColumns")
    if protocol.min_writer_version > _FEATURES:
        return f"its writer version is {protocol.min_writer_version}"
    if lacking := sorted(features - _KEPT):
        return f"the table has the feature {lacking[0]}"
    properties = target.metadata().configuration
    if capability in _REMOVING and properties.get("delta.appendOnly") == "true":
        return "the table is append-only (delta.appendOnly)"
    mapping = mapping_mode(properties)
    if capability in _JOINING and mapping != "none":
        return f"the table has the feature columnMapping (mode {mapping})"
    return None


def _unreachable(target: deltalake.DeltaTable, capability: str) -> str | None:
    """A file that would stay when it is removed, since its path in the log is another's.

    The path of a removal must be spelled as that of the addition (Delta Transaction Log Protocol,
    "Action Reconciliation"), or the rows of the file are there twice.
    """
    if capability not in _REWRITING:
        return None
    import pyarrow.compute as pc  # which is slow to load, and only changes need it

    paths = pa.table(target.get_add_actions()).column("path")
    for path in paths.filter(pc.match_substring_regex(paths, _DOUBTFUL)).to_pylist():
        if is_absolute(path):
            return f"its file {path} is outside of the table's directory"
        if path != quote(unquote(path), safe=_UNESCAPED):
            return f"its log has a file as {path}, which deltalake spells otherwise"
    return None
