"""Filters and columns reach the files through views: fewer row groups and columns are read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import Column, DeltaTable, ParquetTable, Table
from neuralake.engines.protocol import Engine, Session
from tests.engines.sessions import SessionOf, sessions_when_asked

I64 = pa.int64()
STORED = (Column("k", I64), Column("v", I64), Column("wide", pa.string()))
PART = Column("part", I64)
DOUBLE = Column("double", I64, expression="v * 2")
ABSENT = Column("absent", I64)
FILES = 3  # of a row group each
ENGINES = pytest.mark.parametrize(
    "engine", ["polars", "datafusion", "duckdb", "spark"], indirect=True
)
# What is asked of each table, which one row group of three has
ONE_OF_THREE = {
    "delta": "SELECT double FROM delta WHERE k = 21",
    "hive": "SELECT double FROM hive WHERE part = 2 AND k = 21",
    "differ": "SELECT double FROM differ WHERE k = 21",
    "newest": "SELECT double FROM newest WHERE k = 21",
    "parted": "SELECT double FROM parted WHERE part = 2 AND k = 21",
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    """Views of each kind, whose base has a file for every ten keys."""
    place = tmp_path_factory.mktemp("views")
    for i in range(FILES):
        rows = pa.table({"k": [10 * i, 10 * i + 1], "v": [i, i + 5], "wide": ["x", "y"]})
        parted = rows.append_column("part", [[i, i]])
        write_deltalake(place / "delta", rows, mode="append")
        write_deltalake(place / "parted", parted, mode="append", partition_by=["part"])
        (place / "hive" / f"part={i}").mkdir(parents=True)
        pq.write_table(rows, place / "hive" / f"part={i}" / "rows.parquet")
        (place / "differ").mkdir(exist_ok=True)
        there = ["k", "v", "wide"] if i else ["wide", "k"]
        pq.write_table(rows.select(there), place / "differ" / f"{i}.parquet")
    columns = (*STORED, DOUBLE, ABSENT)
    with_part = (*STORED, PART, DOUBLE, ABSENT)

    def delta(name: str, columns: tuple[Column, ...]) -> DeltaTable:
        location = str(place / name)
        return DeltaTable(name=name, location=location, columns=columns, missing_columns="null")

    def parquet(name: str, columns: tuple[Column, ...], by: tuple[str, ...] = ()) -> ParquetTable:
        return ParquetTable(
            name=name,
            location=str(place / name),
            columns=columns,
            missing_columns="null",
            partitioned_by=by,
        )

    whole = delta("delta", columns)
    return {
        "delta": whole,
        "parted": delta("parted", with_part),
        "hive": parquet("hive", with_part, ("part",)),
        "differ": parquet("differ", columns),
        "newest": whole.latest("v", key="k", ties="any", name="newest"),
    }


@pytest.fixture(scope="module")
def session_of(engine: Engine, tables: dict[str, Table]) -> Iterator[SessionOf]:
    with sessions_when_asked(engine, tables) as session_of:
        yield session_of


def analyzed(session: Session, sql: str) -> str:
    """The plan with what was read, of an engine that counts it."""
    found = session.execute(f"EXPLAIN ANALYZE {sql}")
    return "\n".join(str(value) for row in found.to_pylist() for value in row.values())


def row_groups(engine: Engine, session: Session, sql: str) -> int | None:
    """How many are read, of those engines that count them."""
    pattern = {
        "datafusion": r"row_groups_pruned_statistics=[^,]*?(\d+) matched",
        "duckdb": r"Row Groups Scanned: (\d+) /",
    }.get(engine.name)
    if pattern is None:
        return None
    found = re.findall(pattern, analyzed(session, sql))
    assert found, "it counts them"
    # A scan a partition is DataFusion's; DuckDB has one, and one of the partitions' values
    return (sum if engine.name == "datafusion" else max)(map(int, found))


@ENGINES
@pytest.mark.more_of("spark", but=("hive",))
@pytest.mark.parametrize("table", ONE_OF_THREE)
def test_a_filter_reaches_the_files(engine: Engine, session_of: SessionOf, table: str) -> None:
    session = session_of(table)
    sql = ONE_OF_THREE[table]
    assert session.execute(sql).to_pydict() == {"double": [14]}
    counted = row_groups(engine, session, sql)
    assert counted in (None, 1)
    if counted is not None:
        whole = row_groups(engine, session, sql.partition(" WHERE ")[0])
        assert whole == FILES
    plan = session.explain(sql)
    if engine.name == "polars":
        assert re.search(r'SELECTION: .*col\("k"\)\)? == ', plan), plan
    if engine.name == "spark":
        assert "EqualTo(k,21)" in plan
        is_partitioned = table in ("hive", "parted")
        assert ("PartitionFilters: [isnotnull(part" in plan) == is_partitioned


@ENGINES
@pytest.mark.more_of("spark", but=("delta",))
@pytest.mark.parametrize("table", ["delta", "hive", "differ"])
def test_columns_that_nobody_asks_for_are_not_read(
    engine: Engine, session_of: SessionOf, table: str
) -> None:
    session = session_of(table)
    plan = session.explain(f"SELECT double FROM {table}")
    everything = session.explain(f"SELECT double, wide FROM {table}")
    if engine.name == "polars":
        of = 4 if table == "hive" else 3
        assert f"PROJECT 1/{of} COLUMNS" in plan, plan
    elif engine.name == "spark":
        assert re.findall(r"ReadSchema: struct<(.*?)>", plan) == ["v:bigint"]
    else:
        assert "wide" not in plan, plan
        assert "wide" in everything


@ENGINES
@pytest.mark.more_of("spark")
def test_a_filter_on_a_computed_column_is_over_what_is_stored(session_of: SessionOf) -> None:
    """By its expression, at the scan or just above; what is absent is no column of a file."""
    session = session_of("delta")
    sql = "SELECT k FROM delta WHERE double > 12 AND absent IS NULL"
    assert sorted(session.execute(sql).column("k").to_pylist()) == [21]
    assert "wide" not in session.explain(sql)
