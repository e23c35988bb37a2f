"""Types in which a function may return its rows, and those that an engine has not."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.function import FunctionTable
from neuralake.catalog.tables import ParquetTable, Table
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CatalogError
from tests.conftest import FAST_ENGINES

WIDE = pa.table({"d": pa.array([None, Decimal(10) ** 50], pa.decimal256(70, 2))})


def returning(rows: pa.Table) -> FunctionTable:
    return FunctionTable(name="t", function=lambda: rows)


@pytest.mark.parametrize("engine", FAST_ENGINES)
def test_an_encoding_is_no_other_type(engine: str) -> None:
    rows = pa.table(
        {
            "runs": pa.RunEndEncodedArray.from_arrays([1, 3], ["a", None]),
            "day": pa.array([86_400_000, None, 0], pa.date64()),
            "small": pa.array([Decimal("1.5"), None, None], pa.decimal32(5, 2)),
            "wide": pa.array([Decimal("1.5"), None, None], pa.decimal256(38, 2)),
            "half": pa.array([1.5, None, None], pa.float16()),
        }
    )
    started = registry.start(EngineSpec(engine))
    session = started.open({"t": returning(rows)})
    found = session.execute("SELECT * FROM t WHERE runs = 'a'")
    expected = rows.slice(0, 1).to_pylist()
    assert found.to_pylist() == expected
    assert pa.types.is_date32(found.schema.field("day").type)
    session.close()
    started.close()


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_decimals_that_an_engine_has_not_are_refused(engine: str, tmp_path: Path) -> None:
    pq.write_table(WIDE, tmp_path / "wide.parquet")
    stored = ParquetTable(name="t", location=str(tmp_path / "wide.parquet"))
    tables: list[Table] = [stored, returning(WIDE)]
    started = registry.start(EngineSpec(engine))
    for table in tables:
        with pytest.raises(CatalogError, match=r"column d is decimal256\(70, 2\), which"):
            started.open({"t": table})
    started.close()


def test_durations_in_files_that_duckdb_would_cut_are_refused(tmp_path: Path) -> None:
    rows = pa.table({"d": pa.array([[1001]], pa.list_(pa.duration("ns")))})
    pq.write_table(rows, tmp_path / "d.parquet")
    started = registry.start(EngineSpec("duckdb"))
    with pytest.raises(CatalogError, match=r"column d is .*, which DuckDB would cut"):
        started.open({"t": ParquetTable(name="t", location=str(tmp_path / "d.parquet"))})
    started.close()


def test_what_is_no_column_of_a_table_is_refused() -> None:
    kinds = pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32())
    union = pa.UnionArray.from_dense(*kinds, [pa.array([1]), pa.array(["a"])])
    with pytest.raises(CatalogError, match="returned column u as a union"):
        returning(pa.table({"u": union})).arrow()
    with pytest.raises(CatalogError, match="returned two columns named a"):
        returning(pa.table([[1], [2]], names=["a", "a"])).arrow()
