from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.arrow import plain_type
from neuralake.catalog.catalog import Database
from neuralake.errors import DatasetError
from neuralake.tpch import tables
from neuralake.tpch.layout import Layout
from neuralake.tpch.scale import TABLE_NAMES, check_scale_factor, estimate_bytes, row_count
from neuralake.tpch.tables import TABLES, at, schema_fingerprint
from tests.tpch.conftest import Generated

OFFICIAL_LINEITEM_ROWS = {
    0.01: 60_175,
    0.1: 600_572,
    1: 6_001_215,
    10: 59_986_052,
    100: 600_037_902,
    300: 1_799_989_091,
    1000: 5_999_989_709,
}


def test_the_module_is_a_database_of_eight_tables() -> None:
    database = Database.from_module(tables, "tpch")
    assert [table.name for table in database.tables] == list(TABLES) == list(TABLE_NAMES)


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_a_declaration_says_everything(name: str) -> None:
    table = TABLES[name]
    assert table.description
    assert table.primary_key
    for column in table.columns:
        assert column.description, column.name
        assert not column.nullable, column.name


def test_foreign_keys_refer_to_primary_keys() -> None:
    for table in TABLES.values():
        types = {column.name: column.type for column in table.columns}
        for key in table.foreign_keys:
            other = TABLES[key.references]
            assert other.primary_key == key.referenced_columns
            for mine, theirs in zip(key.columns, key.referenced_columns, strict=True):
                assert {c.name: c.type for c in other.columns}[theirs] == types[mine]


def test_tables_of_a_dataset_lie_under_it() -> None:
    found = at("/data/sf1", {})
    assert found["lineitem"].uri == "/data/sf1/lineitem"
    options = {"aws_region": "x"}
    assert at("s3://bucket/sf1/", options)["nation"].uri == "s3://bucket/sf1/nation"
    assert at("s3://bucket/sf1/", options)["nation"].storage_options == options


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_the_declaration_is_what_the_generator_writes(generated: Generated, name: str) -> None:
    generated.tables[name].check()
    for file in generated.manifest.tables[name].files:
        written = pq.read_schema(generated.path / file.path)
        assert written.names == [column.name for column in TABLES[name].columns]
        for field, column in zip(written, TABLES[name].columns, strict=True):
            assert plain_type(field.type) == column.type
            assert not field.nullable
            assert field.metadata is None  # a field id would make a column mapping


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_declared_keys_hold_in_the_data(generated: Generated, name: str) -> None:
    table = generated.tables[name]
    rows = table.lazy(columns=list(table.primary_key)).collect()
    assert rows.n_unique() == rows.height == generated.manifest.tables[name].rows
    for key in table.foreign_keys:
        mine = table.lazy(columns=list(key.columns))
        theirs = generated.tables[key.references].lazy(columns=list(key.referenced_columns))
        orphans = mine.join(
            theirs, left_on=key.columns, right_on=key.referenced_columns, how="anti"
        )
        assert orphans.collect().is_empty(), key


def test_a_fingerprint_tells_columns_apart() -> None:
    assert len({schema_fingerprint(table) for table in TABLES.values()}) == len(TABLES)


@pytest.mark.parametrize(("scale_factor", "rows"), OFFICIAL_LINEITEM_ROWS.items())
def test_lineitem_has_its_published_rows(scale_factor: float, rows: int) -> None:
    assert list(row_count("lineitem", scale_factor)) == [rows]


@pytest.mark.parametrize(
    ("name", "rows"),
    {
        "region": 5,
        "nation": 25,
        "supplier": 12,
        "part": 246,
        "partsupp": 984,
        "customer": 185,
        "orders": 1851,
    }.items(),
)
def test_a_fraction_of_a_row_is_cut_off(name: str, rows: int) -> None:
    assert list(row_count(name, 0.0012345)) == [rows]


scale_factors = st.floats(0.001, 100_000)


@given(scale_factors)
def test_an_order_has_one_to_seven_items_and_four_on_average(scale_factor: float) -> None:
    (orders,) = row_count("orders", scale_factor)
    allowed = row_count("lineitem", scale_factor)
    assert orders <= allowed.start < allowed.stop - 1 <= 7 * orders or len(allowed) == 1
    assert abs((allowed.start + allowed.stop) / 2 - 4 * orders) < 0.05 * 4 * orders


@pytest.mark.parametrize("scale_factor", [0.0, -1.0, float("nan"), float("inf"), 1e9, 0.0009])
def test_an_impossible_scale_factor_is_refused_with_the_range(scale_factor: float) -> None:
    with pytest.raises(DatasetError, match=r"scale factor .* expected a number from 0.001 to 1000"):
        check_scale_factor(scale_factor)


@given(scale_factors)
def test_compression_makes_a_dataset_smaller(scale_factor: float) -> None:
    plain, snappy, zstd = (
        estimate_bytes(scale_factor, Layout(compression=name))
        for name in ("UNCOMPRESSED", "SNAPPY", "ZSTD(1)")
    )
    assert 0 < zstd < snappy < plain
    assert estimate_bytes(scale_factor, Layout(compression="GZIP(0)")) == plain


def test_the_estimate_holds_the_size(generated: Generated) -> None:
    layout = generated.manifest.layout
    assert generated.manifest.size_bytes <= 1.1 * estimate_bytes(0.01, layout) + 2e6


def test_types_are_plain() -> None:
    types = {column.type for table in TABLES.values() for column in table.columns}
    assert types == {
        pa.int64(),
        pa.int32(),
        pa.decimal128(15, 2),
        pa.date32(),
        pa.string(),
    }
