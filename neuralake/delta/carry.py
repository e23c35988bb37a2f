"""The next checkpoint of a log, from the one before and the entries since.

What it costs is what was committed since, but for what stays, which is copied in Arrow. The new one
has the form of the one before, which another library has made: only where that is of a form in
which something would be lost is there none. Source: Delta Transaction Log Protocol, "Checkpoints",
"Action Reconciliation".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.delta.actions import Action
from neuralake.delta.log import (
    LAST_CHECKPOINT,
    LOG,
    LogSegment,
    hinted_version,
    required_entry,
)
from neuralake.delta.paths import placed
from neuralake.delta.row_groups import RowGroup, assemble, encode
from neuralake.delta.store import Store
from neuralake.delta.tombstones import Key, Tombstones, next_tombstones, one_array, without

_Row: TypeAlias = dict[str, Any]

_FILES = ("add", "remove")
# What tells the rows of a kind apart, of which the later one holds
_NAMES = {"txn": "appId", "domainMetadata": "domain"}
_SINGLE = ("protocol", "metaData")
_KINDS = (*_SINGLE, *_NAMES, *_FILES)
_OTHERS = _KINDS[:-1]
# Of which each action has a value that may not be null, so that statistics tell of all of them
_TOLD = {*_KINDS, "sidecar", "checkpointMetadata"}
# Of what is not a remove there is one row group, unless there is more
_GROUP_ROWS = 1 << 20
# Columns in which there is hardly a value twice
_UNIQUE = re.compile(r"(add|remove)\.(path|stats|size)|add\.modificationTime")
# More of a checkpoint is not kept in memory
_MOST_BYTES = 64 << 20


class _LossError(Exception):
    """Something that is to be said has no place in the form of the one before."""


def checkpoint_path(version: int) -> str:
    """Path of the checkpoint of a version, where it is one file."""
    return f"{LOG}{version:020}.checkpoint.parquet"


def carry(store: Store, segment: LogSegment, keeps_since_ms: int, last: Last | None = None) -> bool:
    """Make the checkpoint of a segment's version, and point to it.

    Parameters
    ----------
    store
        Of the table.
    segment
        The checkpoint before, and the entries since.
    keeps_since_ms
        Files that were removed before, in milliseconds since 1970, are told of no more; with
        ``last``, of some that is later.
    last
        What the last call wrote, which this one replaces.

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
    content = store.read(segment.checkpoint[0])
    before = None if last is None else last.recall(content)
    try:
        made = _next(before or _read(content), since, keeps_since_ms)
    except (_LossError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    parts = made.parts()
    _put(store, segment.version, b"".join(parts), made)
    if last is not None:
        last.keep(made, parts)
    return True


@dataclass(frozen=True)
class _Checkpoint:
    """What a checkpoint says: rows of what is not a remove, and removes."""

    form: pa.Schema
    dictionaries: tuple[str, ...]
    others: pa.Table | Sequence[RowGroup]
    removes: Sequence[Tombstones | pa.StructArray]
    adds: int = 0

    def groups(self) -> list[RowGroup]:
        """All of it, where it is encoded."""
        return [*self.others, *(part.group for part in self.removes)]

    def parts(self) -> list[bytes]:
        """The file, where all is encoded."""
        return assemble(self.groups())

    def table(self) -> pa.Table:
        """Rows of what is not a remove."""
        if isinstance(self.others, pa.Table):
            return self.others
        content = pa.py_buffer(b"".join(assemble(self.others)))
        return pq.ParquetFile(pa.BufferReader(content)).read([*_OTHERS], use_threads=False)


class Last:
    """What :func:`carry` wrote last, from which it makes the next one without reading all of it.

    It is held in memory, up to 64 MiB, and serves only where the checkpoint before is the same,
    byte by byte.
    """

    def __init__(self) -> None:
        self._made: _Checkpoint | None = None
        self._parts: list[bytes] = []

    def keep(self, made: _Checkpoint, parts: list[bytes]) -> None:
        """Remember a checkpoint, and the parts of its file."""
        self._made, self._parts = made, parts
        if sum(map(len, parts)) > _MOST_BYTES:
            self._made, self._parts = None, []

    def recall(self, content: bytes) -> _Checkpoint | None:
        """What a file says; None if it is not the one that is remembered."""
        start = 0
        for part in self._parts:
            if not content.startswith(part, start):
                return None
            start += len(part)
        return self._made if start == len(content) else None


@dataclass
class _Since:
    """What the entries since the checkpoint say last, of each thing."""

    uri: str
    files: dict[Key, Action] = field(default_factory=dict)
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


def _read(content: bytes) -> _Checkpoint:
    file = pq.ParquetFile(pa.BufferReader(content))
    _check(file.schema_arrow)
    names = [name for name in file.schema_arrow.names if name != "remove"]
    wanted = {name: list[int]() for name in ("others", "removes")}
    for index in range(file.num_row_groups):
        empty = _empty(file.metadata.row_group(index)) if set(names) <= _TOLD else set()
        wanted["others"] += [] if empty >= set(names) else [index]
        wanted["removes"] += [] if "remove" in empty else [index]
    others = file.read_row_groups(wanted["others"], names, use_threads=False)
    removes = file.read_row_groups(wanted["removes"], ["remove"], use_threads=False)
    columns = (others[name] for name in names if name not in _KINDS)
    if any(column.null_count < others.num_rows for column in columns):
        raise _LossError
    # Arrow has no value where nothing may be null, for an action of another kind
    form = pa.schema([(n, _nullable(file.schema_arrow.field(n).type)) for n in _KINDS])
    others = others.select(_OTHERS).cast(pa.schema([form.field(name) for name in _OTHERS]))
    removed = one_array(removes.cast(pa.schema([form.field("remove")]))["remove"])
    return _Checkpoint(form, _with_dictionaries(form), others, [removed])


def _empty(group: pq.RowGroupMetaData) -> set[str]:
    """Columns of which a row group has no values, by its statistics."""
    filled = set()
    for index in range(group.num_columns):
        column = group.column(index)
        found = column.statistics
        if found is None or not found.has_null_count or found.null_count < column.num_values:
            filled.add(column.path_in_schema.partition(".")[0])
    return _TOLD - filled


def _next(before: _Checkpoint, since: _Since, keeps_since_ms: int) -> _Checkpoint:
    form, table = before.form, before.table()
    parts: list[tuple[str, pa.Array]] = []
    for kind in _OTHERS:
        stayed = one_array(table[kind])
        if kind == "add":
            stayed = without(stayed, since.files, since.uri)
        else:
            stayed = stayed.filter(_unnamed(kind, stayed, since))
        came = pa.array(list(_rows(kind, since, keeps_since_ms, stayed.type)), stayed.type)
        parts += [(kind, array) for array in (stayed, came) if len(array)]
    kind = form.field("remove").type
    gone = pa.array(list(_rows("remove", since, keeps_since_ms, kind)), kind)
    dictionaries = before.dictionaries

    def encoded(array: pa.StructArray) -> RowGroup:
        return encode(_table(form, [("remove", array)]), dictionaries)

    removes = next_tombstones(before.removes, gone, since.files, keeps_since_ms, since.uri, encoded)
    others = _table(form, parts)
    groups = [
        encode(others.slice(start, _GROUP_ROWS), dictionaries)
        for start in range(0, others.num_rows, _GROUP_ROWS)
    ]
    return _Checkpoint(
        form, dictionaries, groups, removes, others.num_rows - others["add"].null_count
    )


def _table(form: pa.Schema, parts: Sequence[tuple[str, pa.Array]]) -> pa.Table:
    columns = {
        name: pa.chunked_array(
            [array if kind == name else pa.nulls(len(array), of) for kind, array in parts], of
        )
        for name in form.names
        for of in (form.field(name).type,)
    }
    return pa.table(columns)


def _with_dictionaries(form: pa.Schema) -> tuple[str, ...]:
    """Columns as Parquet calls them, but for those of which hardly a value is there twice."""
    sink = pa.BufferOutputStream()
    pq.write_metadata(form, sink, store_schema=False)
    schema = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    paths = (schema.column(index).path for index in range(len(schema)))
    return tuple(path for path in paths if not _UNIQUE.fullmatch(path))


def _unnamed(kind: str, stayed: pa.StructArray, since: _Since) -> pa.Array:
    """Which of the checkpoint's other actions no entry replaces."""
    if kind in _SINGLE:
        return pa.array([(kind, "") not in since.others] * len(stayed), pa.bool_())
    names = stayed.field(_NAMES[kind])
    return pa.array([(kind, name) not in since.others for name in names.to_pylist()], pa.bool_())


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


def _put(store: Store, version: int, content: bytes, made: _Checkpoint) -> None:
    try:
        store.create(checkpoint_path(version), content)
    except FileExistsError:  # somebody else's, of the same state
        return
    if (hinted_version(store) or -1) < version:
        hint = {
            "version": version,
            "size": sum(group.rows for group in made.groups()),
            "sizeInBytes": len(content),
            "numOfAddFiles": made.adds,
        }
        store.replace(LAST_CHECKPOINT, msgspec.json.encode(hint))
