"""Where a log begins, and what it says: held against deltalake, which reads it by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import deltalake
import pyarrow as pa
import pytest
from deltalake.transaction import CommitProperties, Transaction

from neuralake.delta.actions import Action, Add, DeletionVector, Metadata, decode, encode
from neuralake.delta.checkpoint import FILES, TABLE, read_checkpoint
from neuralake.delta.disk import DiskStore
from neuralake.delta.log import NotATableError, entry_path, find_segment, read_entry
from neuralake.delta.state import follow, load_state


def write(path: Path, number: int, schema_mode: Literal["merge"] | None = None) -> None:
    said = CommitProperties(app_transactions=[Transaction(f"app-{number % 2}", number)])
    key = pa.array(["a" if number % 3 else None], pa.string())
    rows = pa.table({"id": [number], "k": key})
    deltalake.write_deltalake(
        *(path, rows),
        mode="append",
        partition_by=["k"],
        schema_mode=schema_mode,
        commit_properties=said,
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table"
    for number in range(6):
        write(path, number)
    return path


def test_a_log_without_a_checkpoint_begins_with_its_first_entry(table: Path) -> None:
    segment = find_segment(DiskStore(table))
    assert (segment.checkpoint_version, segment.entries) == (None, tuple(range(6)))
    assert segment.version == 5


@pytest.mark.parametrize("has_hint", [True, False])
def test_a_log_begins_with_its_newest_checkpoint(table: Path, has_hint: bool) -> None:
    deltalake.DeltaTable(table).create_checkpoint()
    write(table, 6)
    if not has_hint:
        (table / "_delta_log" / "_last_checkpoint").unlink()
    segment = find_segment(DiskStore(table))
    assert (segment.checkpoint_version, segment.entries, segment.version) == (5, (6,), 6)
    assert find_segment(DiskStore(table), 3).entries == (0, 1, 2, 3)


@pytest.mark.parametrize("hint", ["{", "[]", '{"version": 77}', '{"version": "x"}', ""])
def test_a_wrong_hint_misleads_nobody(table: Path, hint: str) -> None:
    deltalake.DeltaTable(table).create_checkpoint()
    write(table, 6)
    (table / "_delta_log" / "_last_checkpoint").write_text(hint)
    assert find_segment(DiskStore(table)).version == 6


def test_a_checkpoint_with_a_part_missing_is_none(table: Path) -> None:
    log = table / "_delta_log"
    (log / f"{5:020}.checkpoint.{1:010}.{2:010}.parquet").write_bytes(b"")
    assert find_segment(DiskStore(table)).checkpoint_version is None
    (log / f"{5:020}.checkpoint.{2:010}.{2:010}.parquet").write_bytes(b"")
    assert len(find_segment(DiskStore(table)).checkpoint) == 2


def test_a_gap_is_told(table: Path) -> None:
    (table / entry_path(3)).unlink()
    with pytest.raises(NotATableError, match="no entry of version 3"):
        find_segment(DiskStore(table))
    (table / entry_path(0)).unlink()
    with pytest.raises(NotATableError, match="no entry of version 0"):
        find_segment(DiskStore(table))


def test_what_is_no_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotATableError, match="no Delta table"):
        find_segment(DiskStore(tmp_path))


@pytest.mark.parametrize("content", [b"{", b"\xff\n", b'{"add": {}}', b'{"txn": 3}'])
def test_an_entry_that_is_none_is_told(table: Path, content: bytes) -> None:
    (table / entry_path(6)).write_bytes(content)
    with pytest.raises(ValueError, match=r"00000000000000000006\.json is not a log entry"):
        read_entry(DiskStore(table), 6)


def test_a_checkpoint_says_what_the_entries_said(table: Path) -> None:
    store = DiskStore(table)
    entries = [a for v in range(6) for a in read_entry(store, v) or ()]
    deltalake.DeltaTable(table).create_checkpoint()
    found = list(read_checkpoint(store, find_segment(store)))
    adds = {a.add.path: a.add for a in found if a.add is not None}
    for said in (a.add for a in entries if a.add is not None):
        add = adds.pop(said.path)
        assert add.partition_values == said.partition_values
        assert (add.size, json.loads(add.stats or "")) == (said.size, json.loads(said.stats or ""))
    assert not adds
    assert {a.txn.app_id: a.txn.version for a in found if a.txn is not None} == {
        "app-0": 4,
        "app-1": 5,
    }
    assert [a.metaData.id for a in found if a.metaData] == [
        a.metaData.id for a in entries if a.metaData
    ]
    only = list(read_checkpoint(store, find_segment(store), TABLE))
    assert not any(a.add or a.remove for a in only)
    assert all(a.add or a.remove for a in read_checkpoint(store, find_segment(store), FILES))


@pytest.mark.parametrize("checkpoint_at", [None, 5, 8])
def test_a_state_is_the_same_loaded_and_followed(table: Path, checkpoint_at: int | None) -> None:
    store = DiskStore(table)
    early = load_state(store, 2)
    if checkpoint_at == 5:
        deltalake.DeltaTable(table).create_checkpoint()
    handle = deltalake.DeltaTable(table)
    handle.alter.set_table_properties({"delta.appendOnly": "true"})
    write(table, 7)
    write(table, 8, schema_mode="merge")
    if checkpoint_at == 8:
        deltalake.DeltaTable(table).create_checkpoint()
    loaded, followed = load_state(store), follow(store, early)
    newest = deltalake.DeltaTable(table)
    assert loaded.version == followed.version == newest.version() == 8
    assert loaded.metadata.schema_string == followed.metadata.schema_string
    assert loaded.configuration == followed.configuration == {"delta.appendOnly": "true"}
    for state in (loaded, followed):
        versions = {name: txn.version for name, txn in state.transactions.items()}
        assert versions == {"app-0": 8, "app-1": 7}
        assert versions == {name: newest.transaction_version(name) for name in versions}


def test_actions_are_written_as_they_were_read(table: Path) -> None:
    for version in range(6):
        content = (table / entry_path(version)).read_bytes()
        assert _said(encode(decode(content))) == _said(content)


def _said(content: bytes) -> list[Any]:
    """Actions without the fields that are null at their top."""
    found = [next(iter(json.loads(line).items())) for line in content.splitlines()]
    return [(kind, {k: v for k, v in fields.items() if v is not None}) for kind, fields in found]


def test_what_the_protocol_requires_is_written_even_if_empty() -> None:
    content = b'{"metaData":{"id":"x","format":{"provider":"parquet"},"schemaString":"{}",'
    content += b'"partitionColumns":[]},"unknown":1}'
    (action,) = decode(content)
    assert isinstance(action.metaData, Metadata)
    written = json.loads(encode([action]))["metaData"]
    assert written["configuration"] == {}
    assert written["format"] == {"provider": "parquet", "options": {}}
    add = Add(
        path="p", partition_values={"k": None}, size=0, modification_time=0, data_change=False
    )
    assert json.loads(encode([Action(add=add)]))["add"] == {
        "path": "p",
        "partitionValues": {"k": None},
        "size": 0,
        "modificationTime": 0,
        "dataChange": False,
    }


def test_a_deletion_vector_makes_another_logical_file() -> None:
    vector = DeletionVector(
        storage_type="u", path_or_inline_dv="ab^", offset=4, size_in_bytes=40, cardinality=6
    )
    add = Add(
        path="p",
        partition_values={},
        size=0,
        modification_time=0,
        data_change=True,
        deletion_vector=vector,
    )
    assert add.key == ("p", "uab^@4")
