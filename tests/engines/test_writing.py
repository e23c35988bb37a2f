"""Changes of Delta tables by each engine's own path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import deltalake
import pyarrow as pa
import pytest

from neuralake.arrow import plain_schema
from neuralake.engines import registry
from neuralake.engines.protocol import Engine, EngineType
from neuralake.engines.registry import EngineSpec, engine_type
from neuralake.engines.writing import (
    CAPABILITIES,
    Written,
    capabilities,
    sessions_at_once,
    writes_of,
)
from neuralake.errors import EngineError, NeuralakeError, UnsupportedWriteError
from tests.conftest import FAST_ENGINES
from tests.engines.changes import ENGINES, SCHEMA, at, held, keys, row, stage, table_of


@pytest.fixture(scope="module")
def readers() -> Iterator[list[Engine]]:
    """Every engine, to read what one has written."""
    found = [registry.start(EngineSpec(name)) for name in FAST_ENGINES]
    yield found
    for engine in found:
        engine.close()


def test_an_engine_implements_what_it_says_before_it_is_started(engine: Engine) -> None:
    writes, said = writes_of(engine), capabilities(engine_type(engine.name))
    assert list(said) == list(CAPABILITIES)
    assert writes is not None
    if engine.name != "sail":  # which makes no second attempt
        assert [key for key in writes.settings if key.startswith("max_commit_")]  # its retries
    for name, protocol in CAPABILITIES.items():
        assert isinstance(writes, protocol) == (said[name] is not None), name


@pytest.mark.more_of("spark")  # whose tables are created, appended to and updated below
def test_every_change_says_what_it_committed(engine: Engine, tmp_path: Path) -> None:
    """Its version, its rows and its path; and the table holds just what they tell."""
    writes: Any = writes_of(engine)
    paths = capabilities(engine_type(engine.name))
    table = at(tmp_path)
    first = [row(key) for key in range(1, 9)]
    created = writes.create(table, stage(tmp_path / "first", first[:4], first[4:]))
    assert (created.rows, created.path) == (8, paths["create"])
    assert held(table, created.version) == first

    def said(later: int | None, rows: int | None, capability: str) -> Written:
        version = None if later is None else created.version + later
        return Written(version, rows, str(paths[capability]))

    rows = stage(tmp_path / "more", [row(10), row(11)])
    assert writes.append(table, rows) == said(1, 2, "append")
    where = "id >= 10 AND money > 1.5 AND day < DATE '1999-01-01' AND Name = 'a'"
    assert writes.delete(table, where) == said(2, 2, "delete")
    if engine.name != "spark":  # which takes seconds to find nothing
        assert writes.delete(table, "id = 77") == said(None, 0, "delete")
    gone = keys(tmp_path / "gone", 1, 2, 99)
    assert writes.delete_keys(table, gone, ("id",)) == said(3, 2, "delete_keys")
    assignments = {"money": "money + 1", "Name": "'z'"}
    assert writes.update(table, assignments, "id = 4") == said(4, 1, "update")
    changed = row(4) | {"money": Decimal("5.01"), "Name": "z"}
    assert held(table) == [row(3), changed, *(row(key) for key in (5, 6, 7, 8))]
    rows = stage(tmp_path / "upsert", [row(4, "m"), row(20, "n")])
    assert writes.merge(table, rows, ("id",)) == said(5, 2, "merge")
    assert writes.append(table, stage(tmp_path / "one", [row(30)])) == said(6, 1, "append")
    last = [row(3), row(4, "m"), *(row(key) for key in (5, 6, 7, 8)), row(20, "n"), row(30)]
    assert held(table, created.version + 6) == last


@pytest.mark.more_of("spark")  # which takes seconds for each
def test_maintenance_says_what_it_committed_and_changes_no_row(
    engine: Engine, tmp_path: Path
) -> None:
    """Files that it takes away were of versions before; without anything to do it does nothing."""
    writes: Any = writes_of(engine)
    paths = capabilities(engine_type(engine.name))
    if engine.name == "sail":  # which has none
        assert [name for name, path in paths.items() if path is None] == [
            *("compact", "z_order", "vacuum", "checkpoint")
        ]
        return
    table = at(tmp_path)
    rows = [row(key) for key in range(1, 9)]
    writes.create(table, stage(tmp_path / "first", rows[:4], rows[4:6]))
    written = writes.append(table, stage(tmp_path / "more", rows[6:])).version

    def said(later: int | None, capability: str) -> Written:
        version = None if later is None else written + later
        return Written(version, None, str(paths[capability]))

    assert writes.compact(table) == said(1, "compact")
    assert writes.compact(table) == said(None, "compact")
    assert writes.z_order(table, ("id", "Name")) == said(2, "z_order")
    assert writes.checkpoint(table) == said(2, "checkpoint")
    assert held(table, written) == rows
    assert writes.vacuum(table, 0, enforce=False) == said(4, "vacuum")
    assert held(table) == rows
    with pytest.raises(FileNotFoundError):  # its files are gone
        held(table, written)


def test_what_one_engine_writes_all_others_read(
    engine: Engine, readers: Sequence[Engine], tmp_path: Path
) -> None:
    """In the types of the table, in files of every writer, partitioned or not."""
    writes: Any = writes_of(engine)
    rows = [row(key) for key in range(1, 9)]
    kinds: list[tuple[str, ...]] = [("part",)]
    if engine.name != "spark":  # which takes seconds for each
        kinds.append(())
    for partition_by in kinds:
        table = at(tmp_path, name="parts" if partition_by else "whole")
        create = stage(tmp_path / "rows" / table.name, rows[:4])
        writes.create(table, create, partition_by=partition_by)
        writes.append(table, stage(tmp_path / "more" / table.name, rows[4:]))
        writes.update(table, {"Name": "'u'"}, "id = 2")
        found = deltalake.DeltaTable(table.uri)
        columns = [field.remove_metadata() for field in pa.schema(found.schema().to_arrow())]
        if engine.name == "sail" and partition_by:  # it puts these columns last
            assert set(columns) == set(SCHEMA)
            continue
        assert pa.schema(columns) == SCHEMA
        assert tuple(found.metadata().partition_columns) == partition_by
        assert found.schema().fields[0].nullable is False
        expected = [one | ({"Name": "u"} if one["id"] == 2 else {}) for one in rows]
        assert held(table) == expected
        for reader in readers:
            with closing(reader.open({"t": table})) as session:
                answer = session.execute("SELECT * FROM t ORDER BY id")
            assert plain_schema(answer.schema).types == plain_schema(SCHEMA).types, reader.name
            assert answer.to_pylist() == expected, reader.name


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_names_are_names_and_no_patterns(engine: Engine, tmp_path: Path) -> None:
    """Of the table's directory, of the files with new rows; and there may be no rows at all."""
    writes: Any = writes_of(engine)
    table = at(tmp_path / "a b{c}=*?#ü")
    staged = tmp_path / "[a] *{b}?#ü"
    if engine.name == "sail":
        with pytest.raises(UnsupportedWriteError, match="table t: create: Sail writes to a path"):
            writes.create(table, stage(staged / "rows", [row(1)]))
        assert not Path(table.uri).exists()
        return
    version = writes.create(table, stage(staged / "rows", [row(1), row(2)])).version
    assert writes.append(table, stage(staged / "none", [])).rows == 0
    assert writes.merge(table, stage(staged / "nothing", []), ("id",)).rows == 0
    assert writes.delete_keys(table, keys(staged / "gone", 1), ("id",)).rows == 1
    assert held(table) == [row(2)]
    assert held(table, version) == [row(1), row(2)]


@pytest.mark.parametrize("engine", ["duckdb"], indirect=True)
@pytest.mark.parametrize("name", ["a.b", 'say "x"', "x y", "[x]", "t`t"])
def test_a_column_of_any_name_is_updated(engine: Engine, tmp_path: Path, name: str) -> None:
    writes: Any = writes_of(engine)
    table, schema = at(tmp_path), pa.schema([("id", pa.int64()), (name, pa.int64())])
    rows: list[dict[str, object]] = [{"id": 1, name: 1}, {"id": 2, name: 2}]
    writes.create(table, stage(tmp_path / "rows", rows, schema=schema))
    assert writes.update(table, {name: "id + 10"}, "id = 2").rows == 1
    assert held(table) == [{"id": 1, name: 1}, {"id": 2, name: 12}]


@pytest.mark.parametrize("engine", ["spark"], indirect=True)
def test_delta_lake_reads_what_deltalake_writes(
    engine: Engine, readers: Sequence[Engine], tmp_path: Path
) -> None:
    """A table that forbids nulls needs a feature for it, which deltalake alone does not list."""
    writes: Any = writes_of(readers[0])
    table, rows = at(tmp_path), [row(1), row(3)]
    writes.create(table, stage(tmp_path / "rows", rows), partition_by=("part",))
    with closing(engine.open({"t": table})) as session:
        assert session.execute("SELECT * FROM t ORDER BY id").to_pylist() == rows
    changed: Any = writes_of(engine)
    assert changed.append(table, stage(tmp_path / "more", [row(4)])).rows == 1
    assert held(table) == [*rows, row(4)]


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_nulls_are_refused_where_none_may_be(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    table = at(tmp_path)
    created = writes.create(table, stage(tmp_path / "rows", [row(1)]))
    nulls = stage(tmp_path / "nulls", [row(2) | {"id": None}], schema=table_of([]).schema)
    with pytest.raises(EngineError):
        writes.append(table, nulls)
    assert deltalake.DeltaTable(table.uri).version() == created.version


@pytest.mark.more_of("spark")
def test_a_table_is_created_where_there_is_none(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    table, rows = at(tmp_path), stage(tmp_path / "rows", [row(1)])
    writes.create(table, rows)
    with pytest.raises(EngineError, match=r"table t: there is one at .*/t already"):
        writes.create(table, rows)
    assert held(table) == [row(1)]


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_two_rows_of_one_key_cannot_both_be_merged(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    table = at(tmp_path)
    writes.create(table, stage(tmp_path / "rows", [row(1)]))
    twins = stage(tmp_path / "twins", [row(1, "b"), row(1, "c")])
    with pytest.raises(EngineError, match=r"(?i)multiple source rows"):
        writes.merge(table, twins, ("id",))
    assert held(table) == [row(1)]


@pytest.mark.more_of("spark")
def test_a_retention_that_would_break_readers_must_be_meant(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    if engine.name == "sail":  # which has no vacuum
        return
    table = at(tmp_path)
    writes.create(table, stage(tmp_path / "rows", [row(1)]))
    with pytest.raises(EngineError, match=r"table t: vacuum: .*retention"):
        writes.vacuum(table, 1)
    with pytest.raises(
        EngineError, match=r"retention_hours is 0.5: expected whole hours, 0 or more"
    ):
        writes.vacuum(table, 0.5)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_table_that_is_not_there_is_no_table(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    with pytest.raises(NeuralakeError, match="t"):
        writes.append(at(tmp_path), stage(tmp_path / "rows", [row(1)]))
    assert not (tmp_path / "t").exists()


def test_the_documentation_has_every_path() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/engine-writes.md").read_text()
    header, *lines = (line for line in page.splitlines() if line.startswith("| "))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (header, *lines)]
    names = cells[0][1:]
    told = {line[0]: dict(zip(names, line[1:], strict=True)) for line in cells[1:11]}
    known = {name: capabilities(engine_type(name)) for name in names}
    assert set(names) == {*FAST_ENGINES, "spark", "sail", "daft"}
    assert told == {
        one: {name: known[name][one] or "unsupported" for name in names} for one in CAPABILITIES
    }


def test_an_engine_without_writes_has_no_capability() -> None:
    class Reader:
        name = "reader"

    assert capabilities(cast(EngineType, Reader)) == dict.fromkeys(CAPABILITIES)
    assert not sessions_at_once(cast(EngineType, Reader))
