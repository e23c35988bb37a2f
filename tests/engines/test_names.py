"""Tables and columns that are called like words of SQL, like patterns, or not at all."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog import DeltaTable, FunctionTable, ParquetTable
from neuralake.catalog.tables import Table
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CatalogError
from neuralake.workloads.table_faults import count_rows
from tests.conftest import FAST_ENGINES

WORDS = ("order", "group", "select", "user", "end", "table", "from")


def tables(tmp_path: Path, rows: pa.Table, name: str = "t") -> list[Table]:
    """The rows as a table of each kind."""
    deltalake.write_deltalake(tmp_path / "delta", rows)
    pq.write_table(rows, tmp_path / "t.parquet")
    return [
        DeltaTable(name=name, location=str(tmp_path / "delta")),
        ParquetTable(name=name, location=str(tmp_path / "t.parquet")),
        FunctionTable(name=name, function=lambda: rows),
    ]


@pytest.mark.parametrize("name", FAST_ENGINES)
def test_a_table_may_be_called_like_a_word_of_sql(name: str, tmp_path: Path) -> None:
    engine = registry.start(EngineSpec(name))
    for table in tables(tmp_path, pa.table({"a": [1, 2]})):
        given = dict.fromkeys(WORDS, table)
        session = engine.open(given)
        counts, faults = count_rows(name, session, given, lambda error, _: str(error))
        assert faults == {}
        assert {word: count.counted for word, count in counts.items()} == dict.fromkeys(WORDS, 2)
        session.close()
    engine.close()


@pytest.mark.parametrize("column", ["*", "^a.*$"])
def test_polars_is_given_no_pattern_for_a_name(column: str, tmp_path: Path) -> None:
    """``SELECT "^a.*$"`` would be all columns that begin with an a."""
    engine = registry.start(EngineSpec("polars"))
    for table in tables(tmp_path, pa.table({"a": [1], column: [2]})):
        with pytest.raises(CatalogError, match=r"table t has a column '.*', which polars takes"):
            engine.open({"t": table})
    engine.close()


@pytest.mark.parametrize("name", FAST_ENGINES)
def test_a_column_without_a_name_is_called_so_or_refused(name: str, tmp_path: Path) -> None:
    engine = registry.start(EngineSpec(name))
    for table in tables(tmp_path, pa.table({"a": [1], "": [2]})):
        if name == "duckdb":
            with pytest.raises(CatalogError, match="has a column '', which DuckDB takes for no"):
                engine.open({"t": table})
            continue
        session = engine.open({"t": table})
        assert session.execute("SELECT * FROM t").to_pydict() == {"a": [1], "": [2]}
        assert session.execute('SELECT "" AS v FROM t WHERE "" > 1').to_pydict() == {"v": [2]}
        session.close()
    engine.close()


NANOSECONDS = [
    pa.array([1500], pa.duration("ns")),
    pa.array([pa.MonthDayNano([1, 2, 1500])], pa.month_day_nano_interval()),
    pa.array([[1500]], pa.list_(pa.duration("ns"))),
    pa.array([{"a": None}, {"a": 1500}], pa.struct({"a": pa.duration("ns")})),
]


@pytest.mark.parametrize("values", NANOSECONDS, ids=lambda values: str(values.type))
def test_duckdb_cuts_no_nanoseconds_off(values: pa.Array) -> None:
    engine = registry.start(EngineSpec("duckdb"))
    cut = FunctionTable(name="t", function=lambda: pa.table({"v": values}))
    with pytest.raises(CatalogError, match=r"column v is .* has nanoseconds, which DuckDB"):
        engine.open({"t": cut})
    engine.close()


def test_whole_microseconds_are_as_they_were() -> None:
    engine = registry.start(EngineSpec("duckdb"))
    values = [None, pa.MonthDayNano([1, 2, 3000])]
    rows = pa.table({"v": pa.array(values, pa.month_day_nano_interval())})
    session = engine.open({"t": FunctionTable(name="t", function=lambda: rows)})
    assert session.execute("SELECT v FROM t").column("v").to_pylist() == values
    session.close()
    engine.close()
