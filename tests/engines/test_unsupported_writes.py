"""What deltalake would get wrong, or finds out too late, is refused by name before it writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.protocol import Engine
from neuralake.engines.registry import EngineSpec
from neuralake.engines.writing import Written, writes_of
from neuralake.errors import EngineError, UnsupportedWriteError
from tests.delta.make import File, actions, commit, write_table
from tests.engines.changes import ENGINES, keys, stage

SCHEMA = pa.schema([("id", pa.int64()), ("part", pa.int32()), ("s", pa.string())])
Change = Callable[[Any, DeltaTable, Path], Written]


def rows(*ids: int) -> pa.Table:
    return pa.Table.from_pylist([of(key) for key in ids], SCHEMA)


def of(key: int) -> dict[str, object]:
    return {"id": key, "part": key % 2, "s": f"v{key}"}


def new(place: Path, *ids: int) -> Any:
    return stage(place / "rows", [of(key) for key in ids], schema=SCHEMA)


# Each with the keys that there are afterwards, of 1 to 6
CHANGES: dict[str, tuple[Change, list[int]]] = {
    "append": (lambda by, t, tmp: by.append(t, new(tmp, 7)), [1, 2, 3, 4, 5, 6, 7]),
    "delete": (lambda by, t, _: by.delete(t, "id = 2"), [1, 3, 4, 5, 6]),
    "delete of a partition": (lambda by, t, _: by.delete(t, "part = 1"), [2, 4, 6]),
    "delete_keys": (
        lambda by, t, tmp: by.delete_keys(t, keys(tmp / "keys", 2, 5), ("id",)),
        [1, 3, 4, 6],
    ),
    "update": (lambda by, t, _: by.update(t, {"s": "'z'"}, "id = 2"), [1, 2, 3, 4, 5, 6]),
    "merge": (lambda by, t, tmp: by.merge(t, new(tmp, 2, 8), ("id",)), [1, 2, 3, 4, 5, 6, 8]),
    "compact": (lambda by, t, _: by.compact(t), [1, 2, 3, 4, 5, 6]),
    "z_order": (lambda by, t, _: by.z_order(t, ("id",)), [1, 2, 3, 4, 5, 6]),
    "vacuum": (lambda by, t, _: by.vacuum(t, 0, enforce=False), [1, 2, 3, 4, 5, 6]),
    "checkpoint": (lambda by, t, _: by.checkpoint(t), [1, 2, 3, 4, 5, 6]),
}
ALL = frozenset(CHANGES)
REMOVING = frozenset({"delete", "delete of a partition", "delete_keys", "update", "merge"})
REWRITING = REMOVING | {"compact", "z_order"}


def plain(root: Path, **options: Any) -> Path:
    files = [File(rows(1, 3, 5), "a.parquet"), File(rows(2, 4, 6), "b.parquet")]
    return write_table(root, SCHEMA, files, **options)


def with_feature(name: str, **properties: str) -> Callable[[Path], Path]:
    of_readers = name in ("v2Checkpoint", "vacuumProtocolCheck", "typeWidening", "timestampNtz")
    features = {"features": [name]} if of_readers else {"writer_features": [name]}
    configuration = {f"delta.{key}": value for key, value in properties.items()}
    return lambda root: plain(root, configuration=configuration, **features)


def with_deleted_rows(root: Path) -> Path:
    files = [File(rows(1, 3, 5, 9), "a.parquet", deleted=[3]), File(rows(2, 4, 6), "b.parquet")]
    return write_table(root, SCHEMA, files, features=["deletionVectors"])


def with_renamed_columns(root: Path) -> Path:
    stored = [rows(*ids).rename_columns(["c1", "c2", "c3"]) for ids in ((1, 3, 5), (2, 4, 6))]
    files = [File(part, f"{place}.parquet") for place, part in enumerate(stored)]
    return write_table(root, SCHEMA, files, physical={"id": "c1", "part": "c2", "s": "c3"})


def with_partitions(root: Path) -> Path:
    files = [
        File(rows(*ids).drop_columns("part"), f"part={value}/{value}.parquet", {"part": value})
        for ids, value in (((1, 3, 5), "1"), ((2, 4, 6), "0"))
    ]
    return respelled(write_table(root, SCHEMA, files, partition_by=["part"]), "%3D", "=")


def with_binary_partitions(root: Path) -> Path:
    schema = SCHEMA.set(1, pa.field("part", pa.binary()))
    files = [
        File(rows(*ids).drop_columns("part"), f"part={value}/{value}.parquet", {"part": value})
        for ids, value in (((1, 3, 5), "a"), ((2, 4, 6), "b"))
    ]
    return respelled(write_table(root, schema, files, partition_by=["part"]), "%3D", "=")


def with_a_file(name: str, written: str, spelled: str) -> Callable[[Path], Path]:
    """A table of which the log spells the path of a file in one way or another."""

    def make(root: Path) -> Path:
        files = [File(rows(1, 3, 5), name), File(rows(2, 4, 6), "b.parquet")]
        return respelled(write_table(root, SCHEMA, files), written, spelled)

    return make


def shallow_clone(root: Path) -> Path:
    source = plain(root / "source")
    found = actions(source, 0)
    for action in found[2:]:
        action["add"]["path"] = f"file://{source}/{action['add']['path']}"
    commit(root / "clone", 0, *found)
    return root / "clone"


def respelled(root: Path, written: str, spelled: str) -> Path:
    found = actions(root, 0)
    for action in found[2:]:
        action["add"]["path"] = action["add"]["path"].replace(written, spelled)
    commit(root, 0, *found)
    return root


KEPT: dict[str, Callable[[Path], Path]] = {
    "plain": plain,
    "partitions": with_partitions,
    "deleted rows": with_deleted_rows,
    "changes for readers": with_feature("changeDataFeed", enableChangeDataFeed="true"),
    "a constraint": with_feature("checkConstraints", **{"constraints.positive": "id > 0"}),
    "checkpoints of version 2": with_feature("v2Checkpoint", checkpointPolicy="v2"),
    "a blank in a path": with_a_file("a b.parquet", "", ""),
    "a letter in a path": with_a_file("ü.parquet", "", ""),
    "a sign in a path": with_a_file("a=b.parquet", "%3D", "="),
}
REFUSED: dict[str, tuple[Callable[[Path], Path], frozenset[str], str]] = {
    "renamed columns": (with_renamed_columns, REWRITING - REMOVING, "columnMapping"),
    "append-only": (with_feature("appendOnly", appendOnly="true"), REMOVING, "delta.appendOnly"),
    "binary partitions": (with_binary_partitions, REWRITING | {"append"}, "column part is binary"),
    "a shallow clone": (shallow_clone, REWRITING, "outside of the table"),
    "a sign that is escaped": (with_a_file("a=b.parquet", "", ""), REWRITING, "a%3Db.parquet"),
    "a blank that is not": (with_a_file("a b.parquet", "%20", " "), REWRITING, "a b.parquet"),
    "a letter that is not": (with_a_file("ü.parquet", "%C3%BC", "ü"), REWRITING, "ü.parquet"),
    "small digits": (with_a_file("ü.parquet", "%C3%BC", "%c3%bc"), REWRITING, "%c3%bc.parquet"),
    **{
        name: (with_feature(name), ALL, f"the table has the feature {name}")
        for name in (
            "allowColumnDefaults",
            "clustering",
            "domainMetadata",
            "icebergCompatV1",
            "identityColumns",
            "inCommitTimestamp",
            "rowTracking",
            "typeWidening",
            "vacuumProtocolCheck",
            "whatIsToCome",
        )
    },
}
OTHER_ENGINES = [pytest.param(name, marks=pytest.mark.more) for name in ("datafusion", "duckdb")]


@pytest.fixture(scope="module", params=["polars", *OTHER_ENGINES])
def writes(request: pytest.FixtureRequest) -> Iterator[Any]:
    engine = registry.start(EngineSpec(request.param))
    yield writes_of(engine)
    engine.close()


def ids(table: DeltaTable) -> list[int]:
    found: list[int] = table.lazy().collect()["id"].to_list()
    return sorted(found)


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_what_deltalake_keeps(make: Callable[[Path], Path], writes: Any, tmp_path: Path) -> None:
    for name, (change, expected) in CHANGES.items():
        table = DeltaTable(name="t", location=str(make(tmp_path / name / "t")))
        change(writes, table, tmp_path / name)
        assert ids(table) == expected, name


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_it_does_not_keep_is_refused_before_anything_is_written(
    case: tuple[Callable[[Path], Path], frozenset[str], str], writes: Any, tmp_path: Path
) -> None:
    make, refused, words = case
    for name, (change, expected) in CHANGES.items():
        root = make(tmp_path / name / "t")
        table = DeltaTable(name="t", location=str(root))
        before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
        if name not in refused:
            change(writes, table, tmp_path / name)
            assert ids(table) == expected, name
            continue
        with pytest.raises(UnsupportedWriteError, match=re.escape(words)):
            change(writes, table, tmp_path / name)
        assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before, name


@pytest.mark.parametrize("name", ["a[b", "a]b", "a^b", "a|b", "a\\b", "a%20b"])
def test_a_place_that_deltalake_cannot_write_to(name: str, writes: Any, tmp_path: Path) -> None:
    table = DeltaTable(name="t", location=str(tmp_path / name / "t"))
    with pytest.raises(UnsupportedWriteError, match=r"cannot write to .*: rename what has a .$"):
        writes.create(table, new(tmp_path, 1))
    assert [place.name for place in tmp_path.iterdir()] == ["rows"]


def test_a_table_that_is_to_have_binary_partitions(writes: Any, tmp_path: Path) -> None:
    """deltalake would write ``\\u00FF`` for the byte 255, and read six bytes."""
    given = stage(tmp_path / "rows", [{"part": b"\xff"}], schema=pa.schema([("part", pa.binary())]))
    table = DeltaTable(name="t", location=str(tmp_path / "t"))
    with pytest.raises(UnsupportedWriteError, match="cannot create it: its partition column part"):
        writes.create(table, given, partition_by=("part",))
    assert not (tmp_path / "t").exists()


LACKING = {
    "another type": (SCHEMA.set(0, pa.field("id", pa.float64())), "id is double .* expected int64"),
    "a column less": (SCHEMA.remove(2), "the rows have no column s"),
    "a column more": (SCHEMA.append(pa.field("more", pa.int64())), "have a column more"),
}


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize(("schema", "words"), LACKING.values(), ids=LACKING)
def test_rows_of_other_columns_are_not_cast(
    schema: pa.Schema, words: str, engine: Engine, tmp_path: Path
) -> None:
    """Deltalake would cut 1.5 down to 1, and say nothing."""
    writes: Any = writes_of(engine)
    table = DeltaTable(name="t", location=str(plain(tmp_path / "t")))
    given = stage(tmp_path / "rows", [of(7) | {"more": 1}], schema=schema)
    with pytest.raises(EngineError, match=words):
        writes.append(table, given)
    with pytest.raises(EngineError, match=words):
        writes.merge(table, given, ("part",))
    assert ids(table) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_columns_may_come_in_another_order(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    table = DeltaTable(name="t", location=str(plain(tmp_path / "t")))
    schema = pa.schema([SCHEMA.field(name) for name in reversed(SCHEMA.names)])
    writes.append(table, stage(tmp_path / "rows", [of(7)], schema=schema))
    assert [found for found in table.lazy().collect().to_dicts() if found["id"] == 7] == [of(7)]
