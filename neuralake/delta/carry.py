"""The next checkpoint of a log, from the one before and the entries since.

What it costs is what was committed since, but for what stays, which is copied in Arrow. The new one
has the form of the one before, which another library has made: only where that is of a form in
which something would be lost is there none. Source: Delta Transaction Log Protocol, "Checkpoints",
"Action Reconciliation".
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neuralake.delta.actions import Action, DeletionVector
from neuralake.delta.log import (
    LAST_CHECKPOINT,
    LOG,
    LogSegment,
    hinted_version,
    required_entry,
)
from neuralake.delta.paths import placed
from neuralake.delta.store import Store

_Key: TypeAlias = tuple[str, str | None]
_Row: TypeAlias = dict[str, Any]

# A path that may be another spelling of another one: absolute, with dots, or percent-encoded
_OTHERWISE_SPELT = r"[%:]|^/|//|\./"
_FILES = ("add", "remove")
# What tells the rows of a kind apart, of which the later one holds
_NAMES = {"txn": "appId", "domainMetadata": "domain"}
_SINGLE = ("protocol", "metaData")
_KINDS = (*_SINGLE, *_NAMES, *_FILES)


class _LossError(Exception):
    """Something that is to be said has no place in the form of the one before."""


def checkpoint_path(version: int) -> str:
    """Path of the checkpoint of a version, where it is one file."""
    return f"{LOG}{version:020}.checkpoint.parquet"


def carry(store: Store, segment: LogSegment, keeps_since_ms: int) -> bool:
    """Make the checkpoint of a segment's version, and point to it.

    Parameters
    ----------
    store
        Of the table.
    segment
        The checkpoint before, and the entries since.
    keeps_since_ms
        Files that were removed before, in milliseconds since 1970, are told of no more.

    Returns
    -------
    bool
        False if there is none before, or one in whose form something would be lost: of several
        files, with sidecars, or with statistics that are not text.

    Raises
    ------
    OSError, ValueError
        If the log cannot be read or written.
    """
    if len(segment.checkpoint) != 1 or not segment.checkpoint[0].endswith(".parquet"):
        return False
    since = _Since(store.uri)
    for version in segment.entries:
        since.enter(required_entry(store, version).actions)
    try:
        content = pa.BufferReader(store.read(segment.checkpoint[0]))
        before = pq.ParquetFile(content).read(use_threads=False)
        _check(before.schema)
        # Arrow has no value where nothing may be null, for an action of another kind
        before = before.cast(pa.schema([(f.name, _nullable(f.type)) for f in before.schema]))
        made = _next(before, since, keeps_since_ms)
    except (_LossError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    sink = io.BytesIO()
    pq.write_table(made, sink, store_schema=False)
    _put(store, segment.version, sink.getvalue(), made)
    return True


@dataclass
class _Since:
    """What the entries since the checkpoint say last, of each thing."""

    uri: str
    files: dict[_Key, Action] = field(default_factory=dict)
    others: dict[tuple[str, str], Action] = field(default_factory=dict)

    def enter(self, actions: Iterable[Action]) -> None:
        """Apply an entry."""
        for action in actions:
            if (file := action.add or action.remove) is not None:
                self.files[placed(self.uri, file.path), file.key[1]] = action
            elif action.txn is not None:
                self.others["txn", action.txn.app_id] = action
            elif action.domainMetadata is not None:
                self.others["domainMetadata", action.domainMetadata.domain] = action
            elif action.protocol is not None:
                self.others["protocol", ""] = action
            elif action.metaData is not None:
                self.others["metaData", ""] = action


def _check(schema: pa.Schema) -> None:
    """Refuse a form that is not the plain one, with all that may be said in it."""
    if not set(_KINDS) <= set(schema.names):
        raise _LossError
    for kind in _FILES:
        fields = _fields(schema.field(kind))
        if "deletionVector" not in fields or any(name.endswith("_parsed") for name in fields):
            raise _LossError


def _nullable(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([(f.name, _nullable(f.type)) for f in kind])
    if pa.types.is_list(kind):
        return pa.list_(pa.field(kind.value_field.name, _nullable(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, pa.field(kind.item_field.name, kind.item_type))
    return kind


def _fields(parent: pa.Field) -> list[str]:
    return [parent.type.field(i).name for i in range(parent.type.num_fields)]


def _next(before: pa.Table, since: _Since, keeps_since_ms: int) -> pa.Table:
    others = (before[name] for name in before.column_names if name not in _KINDS)
    if any(column.null_count < before.num_rows for column in others):
        raise _LossError
    parts: list[tuple[str, pa.Array]] = []
    for kind in _KINDS:
        stayed = before[kind].combine_chunks().drop_null()
        if kind in _FILES:
            stayed = stayed.filter(_untouched(stayed, since))
        else:
            stayed = stayed.filter(_unnamed(kind, stayed, since))
        if kind == "remove":
            stayed = stayed.filter(_is_since(stayed, keeps_since_ms))
        came = pa.array(list(_rows(kind, since, keeps_since_ms, stayed.type)), stayed.type)
        parts += [(kind, array) for array in (stayed, came) if len(array)]
    columns = {
        name: pa.chunked_array(
            [array if kind == name else pa.nulls(len(array), form) for kind, array in parts], form
        )
        for name in _KINDS
        for form in (before.schema.field(name).type,)
    }
    return pa.table(columns)


def _untouched(stayed: pa.StructArray, since: _Since) -> pa.Array:
    """Which files of the checkpoint no entry speaks of."""
    paths = stayed.field("path")
    places = paths
    if pc.any(pc.match_substring_regex(paths, _OTHERWISE_SPELT), min_count=0).as_py():
        places = pa.array([placed(since.uri, path) for path in paths.to_pylist()], paths.type)
    touched = pa.array({place for place, _ in since.files}, paths.type)
    kept = pc.invert(pc.is_in(places, touched)).to_pylist()
    # Of one place there may be several files, of different deletion vectors
    for index in (i for i, is_kept in enumerate(kept) if not is_kept):
        vector = stayed.field("deletionVector")[index].as_py()
        found = None if vector is None else msgspec.convert(_said(vector), DeletionVector)
        key = places[index].as_py(), None if found is None else found.unique_id
        kept[index] = key not in since.files
    return pa.array(kept, pa.bool_())


def _unnamed(kind: str, stayed: pa.StructArray, since: _Since) -> pa.Array:
    """Which of the checkpoint's other actions no entry replaces."""
    if kind in _SINGLE:
        return pa.array([(kind, "") not in since.others] * len(stayed), pa.bool_())
    names = stayed.field(_NAMES[kind])
    return pa.array([(kind, name) not in since.others for name in names.to_pylist()], pa.bool_())


def _is_since(removes: pa.StructArray, moment_ms: int) -> pa.Array:
    return pc.greater_equal(pc.fill_null(removes.field("deletionTimestamp"), 0), moment_ms)


def _rows(kind: str, since: _Since, keeps_since_ms: int, form: pa.StructType) -> Iterable[_Row]:
    actions = since.files.values() if kind in _FILES else since.others.values()
    for action in actions:
        said = getattr(action, kind)
        if said is None or (kind == "domainMetadata" and said.removed):
            continue
        if kind == "remove" and (said.deletion_timestamp or 0) < keeps_since_ms:
            continue
        row: _Row = msgspec.to_builtins(said)
        if kind in _FILES:
            row["dataChange"] = False  # a checkpoint changes nothing
        if kind == "metaData":  # what is empty, and required
            row = {"configuration": {}, **row, "format": {"options": {}, **row["format"]}}
        _check_row(row, form)
        yield row


def _check_row(row: Mapping[str, Any], form: pa.StructType) -> None:
    """Make sure that all that a row says has its place: Arrow leaves out what has none."""
    for name, value in row.items():
        index = form.get_field_index(name)
        if index < 0:
            raise _LossError
        if pa.types.is_struct(form.field(index).type) and value is not None:
            _check_row(value, form.field(index).type)


def _said(vector: _Row) -> _Row:
    return {name: value for name, value in vector.items() if value is not None}


def _put(store: Store, version: int, content: bytes, made: pa.Table) -> None:
    try:
        store.create(checkpoint_path(version), content)
    except FileExistsError:  # somebody else's, of the same state
        return
    if (hinted_version(store) or -1) < version:
        adds = made.num_rows - made["add"].null_count
        hint = {
            "version": version,
            "size": made.num_rows,
            "sizeInBytes": len(content),
            "numOfAddFiles": adds,
        }
        store.replace(LAST_CHECKPOINT, msgspec.json.encode(hint))
