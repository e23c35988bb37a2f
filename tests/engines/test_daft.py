"""Daft: what it is told, and what its own readers are not asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import ParquetTable
from neuralake.engines.registry import EngineSpec, resolve, start
from neuralake.errors import EngineError


@pytest.mark.parametrize(
    ("options", "message"),
    [({"threads": "-1"}, "daft: threads is -1"), ({"memory": "lots"}, "unbounded or auto")],
)
def test_a_mistake_is_told_before_anything_starts(options: dict[str, str], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        start(EngineSpec("daft", options))


def test_it_admits_as_much_as_the_limit() -> None:
    assert resolve(EngineSpec("daft"), 1 << 30).options == {"memory": f"{1 << 30}b"}


def test_it_calls_nobody() -> None:
    start(EngineSpec("daft"))
    assert os.environ["DAFT_ANALYTICS_ENABLED"] == "0"


def test_a_filter_on_a_column_that_is_not_wanted_reads_it(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, 2, 3], "s": pa.array(["x", "y", None], pa.string_view())})
    pq.write_table(rows, tmp_path / "t.parquet")
    engine = start(EngineSpec("daft"))
    session = engine.open({"t": ParquetTable(name="t", location=str(tmp_path / "t.parquet"))})
    assert engine.settings["readers"] == {"t": "arrow"}  # of views
    for where, expected in (("s IN ('x', 'z')", [1]), ("s IS NULL", [3]), ("s > 'x'", [2])):
        found = session.execute(f"SELECT a FROM t WHERE {where}")
        assert found.to_pydict() == {"a": expected}, where


def test_a_type_that_it_has_not_is_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"d": pa.array([None], pa.decimal256(50, 2))}), tmp_path / "t.parquet")
    table = ParquetTable(name="t", location=str(tmp_path / "t.parquet"))
    with pytest.raises(EngineError, match="table t: Daft has no type for column d, which is decim"):
        start(EngineSpec("daft")).open({"t": table})
