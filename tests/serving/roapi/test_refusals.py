"""What ROAPI is said not to serve, held against what ROAPI itself answers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import DeltaTable, FunctionTable, ParquetTable, Table
from neuralake.config import Settings
from neuralake.errors import ServingError
from neuralake.serving.roapi.configuration import check_tables
from neuralake.serving.roapi.refusals import Freshness, refusal
from tests.delta.make import File, write_table
from tests.engines.others import CASES, delta, of, parquet
from tests.serving.roapi.bare import BareRoapi

HERE = Settings.from_environ({})
FRESHNESSES = (Freshness.MEMORY, Freshness.FILES)
REASONS = {
    "a name that is a pattern": ("pattern", "pattern"),
    "a directory that is a pattern": ("pattern", "pattern"),
    "columns in another order": ("order or the encoding", None),
    "dictionaries in one file": ("order or the encoding", "order or the encoding"),
    "one type in three encodings": (None, None),
    "values in the log and not in the path": ("partition columns (k, d)", None),
    "empty partition values": ("empty partition value", "empty partition value"),
    "partitions with a struct of which little is told": ("partition columns", "bounds"),
    "decimals that the log rounds": ("partition columns", "rounds the bounds"),
    "times of old": ("INT96", None),
    "deleted rows": ("deletionVectors", "deletionVectors"),
    "every row deleted": ("deletionVectors", "deletionVectors"),
    "renamed columns": ("column mapping", "column mapping"),
    "wider types": ("typeWidening", "typeWidening"),
    "columns that came later": ("table's columns", None),
    "a shallow clone": ("absolute paths", "absolute paths"),
    "a file removed under another spelling": ("absolute paths", "absolute paths"),
    "features that change no row": ("v2Checkpoint", "v2Checkpoint"),
    "no rows": ("no data file", "no data file"),
    "unsigned numbers": (None, None),
}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Table, pa.Table]]:
    root = tmp_path_factory.mktemp("others")
    found = {name: make(root / f"t{i}") for i, (name, make) in enumerate(CASES.items())}
    found["every type"] = every_type(root / "every")
    flat = found["every type"][1].drop_columns(["l", "m"])
    deltalake.write_deltalake(str(root / "flat"), flat)
    found["every type but lists and maps"] = delta(root / "flat"), flat
    return found


def every_type(root: Path) -> tuple[Table, pa.Table]:
    """Values at the ends of their types."""
    schema = pa.schema(
        [
            ("i8", pa.int8()),
            ("i64", pa.int64()),
            ("b", pa.binary()),
            ("l", pa.list_(pa.int64())),
            ("s", pa.struct([("a", pa.int32()), ("d", pa.decimal128(38, 10))])),
            ("m", pa.map_(pa.string(), pa.int64())),
            ("ts", pa.timestamp("us", "UTC")),
            ("tn", pa.timestamp("us")),
            ("d", pa.date32()),
            ("dec", pa.decimal128(38, 0)),
            ("x", pa.float64()),
            ("t", pa.string()),
        ]
    )
    row = {
        "i8": -128,
        "i64": 2**63 - 1,
        "b": b"\x00\xff",
        "l": [1, None],
        "s": {"a": 1, "d": Decimal("1.0000000001")},
        "m": [("k", 2**62)],
        "ts": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, dt.UTC),
        "tn": dt.datetime.fromisoformat("0001-01-01T00:00:00.000001"),
        "d": dt.date(9999, 12, 31),
        "dec": Decimal("-" + "9" * 38),
        "x": -math.inf,
        "t": 'a"\n,é',
    }
    rows = pa.Table.from_pylist([row, {}], schema=schema)
    deltalake.write_deltalake(str(root), rows)
    return delta(root), rows


def reasons(table: Table) -> list[str | None]:
    return [refusal(table.resolve(HERE), freshness, HERE) for freshness in FRESHNESSES]


@pytest.mark.parametrize("freshness", FRESHNESSES)
def test_whatever_is_not_refused_comes_back_as_it_is(
    others: Mapping[str, tuple[Table, pa.Table]], freshness: Freshness, tmp_path: Path
) -> None:
    accepted = {
        f"t{number}": (table.resolve(HERE), expected)
        for number, (table, expected) in enumerate(others.values())
        if refusal(table.resolve(HERE), freshness, HERE) is None
    }
    assert len(accepted) >= 9
    tables = {name: table for name, (table, _) in accepted.items()}
    with BareRoapi(tables, freshness, tmp_path) as server:
        for name, (table, expected) in accepted.items():
            assert rows_of(server.ask(f"SELECT * FROM {name}")) == rows_of(expected), table


@pytest.mark.parametrize("case", REASONS)
def test_what_is_refused_is_refused_by_name(
    others: Mapping[str, tuple[Table, pa.Table]], case: str
) -> None:
    for reason, expected in zip(reasons(others[case][0]), REASONS[case], strict=True):
        if expected is None:
            assert reason is None
        else:
            assert reason is not None
            assert expected in reason


@pytest.fixture
def wrong(tmp_path: Path) -> Iterator[BareRoapi]:
    """ROAPI with what it answers wrongly in silence."""
    CASES["empty partition values"](tmp_path / "empty")
    CASES["decimals that the log rounds"](tmp_path / "decimals")
    hidden_nan(tmp_path / "nan")
    CASES["a name that is a pattern"](tmp_path / "pattern")
    beside(tmp_path / "beside")
    tables: dict[str, Table] = {
        name: delta(tmp_path / name) for name in ("empty", "decimals", "nan")
    }
    tables["pattern"] = parquet(tmp_path / "pattern" / "o[1].parquet")
    tables["beside"] = parquet(tmp_path / "beside")
    with BareRoapi(tables, Freshness.FILES, tmp_path) as server:
        yield server


def hidden_nan(root: Path) -> DeltaTable:
    deltalake.write_deltalake(str(root), pa.table({"id": [1, 2], "x": [1.0, math.nan]}))
    return delta(root)


def beside(root: Path) -> ParquetTable:
    root.mkdir()
    for number, name in enumerate(("a.parquet", "_b.parquet", ".c.parquet")):
        pq.write_table(of([number]), root / name)
    return parquet(root)


def test_of_these_roapi_itself_answers_wrongly_without_a_word(wrong: BareRoapi) -> None:
    assert rows_of(wrong.ask("SELECT id, k FROM empty")) == ["[1, '']"]  # it is null
    assert wrong.ask("SELECT c FROM decimals WHERE c = 1234567890.12345678") is None  # one row
    assert wrong.ask("SELECT id FROM nan WHERE x > 5") is None  # NaN is greater than 5
    assert rows_of(wrong.ask("SELECT id FROM pattern")) == ["[99]"]  # it is 1
    assert len(rows_of(wrong.ask("SELECT id FROM beside"))) == 3  # two are passed over by name


def test_nan_that_statistics_leave_out_is_refused_where_roapi_reads_them(tmp_path: Path) -> None:
    in_memory, from_files = reasons(hidden_nan(tmp_path / "nan"))
    assert in_memory is None
    assert from_files is not None
    assert "NaN" in from_files
    pq.write_table(pa.table({"x": [1.0, math.nan]}), tmp_path / "x.parquet")
    in_memory, from_files = reasons(parquet(tmp_path / "x.parquet"))
    assert in_memory is None
    assert from_files is not None


def test_files_that_roapi_reads_beside_those_of_the_table(tmp_path: Path) -> None:
    for reason in reasons(beside(tmp_path / "beside")):
        assert reason == f"ROAPI reads {tmp_path}/beside/.c.parquet too, which is none of its files"


def test_a_function(tmp_path: Path) -> None:
    table = FunctionTable(name="made", function=lambda: pl.LazyFrame({"id": [1]}))
    assert "a function makes it" in (refusal(table, Freshness.MEMORY, HERE) or "")


def test_a_pinned_version(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path / "t"), of([1]))
    table = replace(delta(tmp_path / "t"), version=0)
    assert "pinned to version 0" in (refusal(table, Freshness.MEMORY, HERE) or "")


def test_options_that_are_not_in_the_environment(tmp_path: Path) -> None:
    table = DeltaTable(
        name="t", location="s3://bucket/t", storage_options={"aws_secret_access_key": "hidden"}
    )
    reason = refusal(table.resolve(HERE), Freshness.MEMORY, HERE) or ""
    assert "storage options of its own" in reason
    assert "hidden" not in reason


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    reason = refusal(delta(tmp_path / "nowhere"), Freshness.MEMORY, HERE) or ""
    assert "which does not exist" in reason


def test_column_mapping_that_no_feature_names(tmp_path: Path) -> None:
    """Of reader version 2: there a property alone tells."""
    stored = pa.table({"col-1": [1]})
    write_table(
        tmp_path / "t",
        of([]).schema,
        [File(stored, "a.parquet")],
        physical={"id": "col-1"},
    )
    assert reasons(delta(tmp_path / "t")) == ["it has column mapping"] * 2


def test_each_refused_table_is_named(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path / "fine"), of([1]))
    tables: dict[str, Table] = {
        "fine": delta(tmp_path / "fine"),
        "gone": delta(tmp_path / "gone"),
        "made": FunctionTable(name="made", function=lambda: pl.LazyFrame({"id": [1]})),
    }
    with pytest.raises(ServingError, match=r"2 of 3 tables \(gone: .*; made: a function"):
        check_tables(tables, Freshness.MEMORY, HERE)


def test_of_an_empty_catalog_nothing_is_served() -> None:
    with pytest.raises(ServingError, match="no table to serve"):
        check_tables({}, Freshness.MEMORY, HERE)


def rows_of(table: pa.Table | None) -> list[str]:
    """Rows in one order, whatever their encoding."""
    rows = [] if table is None else table.to_pylist()
    return sorted(repr(list(row.values())) for row in rows)
