from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import datafusion
import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.errors import DatasetError, SchemaMismatchError
from neuralake.tpch.commit import commit
from neuralake.tpch.scale import TABLE_NAMES
from neuralake.tpch.tables import TABLES
from tests.tpch.conftest import Generated

DELTA_TYPES = {
    pa.int64(): "long",
    pa.int32(): "integer",
    pa.decimal128(15, 2): "decimal(15,2)",
    pa.date32(): "date",
    pa.string(): "string",
}


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_the_log_has_the_declared_schema_and_nothing_else(generated: Generated, name: str) -> None:
    log = generated.path / name / "_delta_log"
    assert [entry.name for entry in log.iterdir()] == [f"{0:020}.json"]
    actions = [json.loads(line) for line in (log / f"{0:020}.json").read_text().splitlines()]
    (metadata,) = [action["metaData"] for action in actions if "metaData" in action]
    assert json.loads(metadata["schemaString"])["fields"] == [
        {"name": c.name, "type": DELTA_TYPES[c.type], "nullable": False, "metadata": {}}
        for c in TABLES[name].columns
    ]
    assert metadata["partitionColumns"] == []
    assert metadata["configuration"] == {}
    (protocol,) = [action["protocol"] for action in actions if "protocol" in action]
    assert protocol == {"minReaderVersion": 1, "minWriterVersion": 2}
    assert "remove" not in {key for action in actions for key in action}


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_statistics_are_those_of_the_rows(generated: Generated, name: str) -> None:
    snapshot = deltalake.DeltaTable(generated.path / name)
    adds = pa.table(snapshot.get_add_actions(flatten=True)).to_pylist()
    assert len(adds) == len(generated.manifest.tables[name].files)
    for add in adds:
        rows = pl.read_parquet(generated.path / name / add["path"])
        assert add["num_records"] == rows.height
        assert add["size_bytes"] == (generated.path / name / add["path"]).stat().st_size
        for column in TABLES[name].columns:
            least, greatest = rows[column.name].min(), rows[column.name].max()
            lower, upper = add[f"min.{column.name}"], add[f"max.{column.name}"]
            assert add[f"null_count.{column.name}"] == 0
            if column.type == pa.string():
                assert lower == str(least)[:32]
                assert str(greatest) <= upper <= str(greatest)[:32] + "\U0010ffff"
            else:
                assert (lower, upper) == (least, greatest)


def test_readers_skip_files_by_the_statistics(generated: Generated, tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    shutil.copytree(generated.path / "orders", orders)
    (orders / "orders.3.parquet").unlink()
    first = pl.scan_delta(str(orders)).filter(pl.col("o_orderkey") < 100)
    assert first.select(pl.len()).collect().item() == 27
    rich = pl.scan_delta(str(orders)).filter(pl.col("o_totalprice") > pl.lit(Decimal("1e9")))
    assert rich.collect().is_empty()
    query = "SELECT count(*) AS n FROM orders WHERE o_orderdate < DATE '1990-01-01'"
    builder = deltalake.QueryBuilder().register("orders", deltalake.DeltaTable(orders))
    assert pa.table(builder.execute(query).read_all())["n"].to_pylist() == [0]
    context = datafusion.SessionContext()
    context.register_table("orders", deltalake.DeltaTable(orders))
    (batch,) = context.sql("SELECT count(*) AS n FROM orders").collect()
    assert batch.to_pydict() == {"n": [15_000]}


def test_all_readers_see_all_rows(generated: Generated) -> None:
    context = datafusion.SessionContext()
    for name, table in generated.tables.items():
        rows = generated.manifest.tables[name].rows
        key = table.primary_key[0]
        context.register_table(name, table.snapshot())
        (batch,) = context.sql(f"SELECT count(DISTINCT {key}) AS n FROM {name}").collect()
        frame = table.lazy().collect()
        assert frame.height == rows
        assert frame[key].n_unique() == batch.to_pydict()["n"][0]


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"r_regionkey": pa.array([1], pa.int64())}), tmp_path / "a.parquet")
    with pytest.raises(SchemaMismatchError, match="region"):
        commit(TABLES["region"], tmp_path, ["a.parquet"], {})


def test_a_file_that_is_not_whole_is_refused(generated: Generated, tmp_path: Path) -> None:
    whole = (generated.path / "region" / "region.1.parquet").read_bytes()
    (tmp_path / "region.1.parquet").write_bytes(whole[:-20])
    with pytest.raises(DatasetError, match=r"region\.1\.parquet is not a complete Parquet file"):
        commit(TABLES["region"], tmp_path, ["region.1.parquet"], {})
