"""Filters: the rows that SQL would keep, whatever the type, from every kind of scan."""

import datetime as dt
import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.catalog import DeltaTable, Filter, FunctionTable, ParquetTable, Table
from neuralake.errors import CatalogError
from tests.more import drawn

at = dt.datetime.fromisoformat

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, values: value in values,
    "not in": lambda value, values: value not in values,
}
IN_TEXT: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, part: part in value,
    "starts_with": lambda value, part: bool(value.startswith(part)),
    "ends_with": lambda value, part: bool(value.endswith(part)),
}


def kept(values: Sequence[Any], condition: Filter) -> list[int]:
    """The oracle: positions of the values for which SQL says true."""
    if condition.operator == "is null":
        return [i for i, value in enumerate(values) if value is None]
    if condition.operator == "is not null":
        return [i for i, value in enumerate(values) if value is not None]
    holds = (COMPARISONS | IN_TEXT)[condition.operator]
    return [i for i, v in enumerate(values) if v is not None and holds(v, condition.value)]


def rows_of(values: Sequence[Any], dtype: pa.DataType) -> pa.Table:
    return pa.table({"row": range(len(values)), "value": pa.array(values, dtype)})


def in_memory(rows: pa.Table) -> FunctionTable:
    return FunctionTable(name="t", function=lambda: pl.LazyFrame(rows))


def found(table: Table, *conditions: Filter) -> list[int]:
    return sorted(table.lazy(conditions, ["row"]).collect()["row"])


small_decimals = st.decimals(allow_nan=False, allow_infinity=False, places=2, max_value=10**12)
any_decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), places=5)
times = st.datetimes(min_value=at("1700-01-01"), max_value=at("2200-01-01"))
whole_ms = times.map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000))
berlin = st.just(ZoneInfo("Europe/Berlin"))

# Arrow type: (values of the column, values to compare with, of which some lie between or beyond)
TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    "int8": (pa.int8(), st.integers(-128, 127), st.integers(-200, 200)),
    "uint16": (pa.uint16(), st.integers(0, 2**16 - 1), st.integers(-5, 2**16 + 5)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1), st.integers()),
    "decimal": (
        pa.decimal128(15, 2),
        small_decimals.filter(lambda d: d > -(10**12)),
        any_decimals | st.integers(),
    ),
    "wide decimal": (
        pa.decimal128(38, 2),
        st.integers(-(10**37), 10**37).map(lambda i: Decimal((int(i < 0), _digits(i), -2))),
        st.integers(-(10**38), 10**38).map(lambda i: Decimal((int(i < 0), _digits(i), -3))),
    ),
    "date": (pa.date32(), st.dates(), st.dates()),
    "string": (pa.string(), st.text(max_size=3), st.text(max_size=3)),
    "binary": (pa.binary(), st.binary(max_size=3), st.binary(max_size=3)),
    "bool": (pa.bool_(), st.booleans(), st.booleans()),
    "double": (pa.float64(), st.floats(allow_nan=False), st.floats(allow_nan=False)),
    "single": (pa.float32(), st.floats(width=32, allow_nan=False), st.floats(allow_nan=False)),
    "time in ms": (pa.timestamp("ms"), whole_ms, times),
    "time in us": (pa.timestamp("us"), times, times),
    "time in ns": (pa.timestamp("ns"), times, st.datetimes()),
    "time in a zone": (
        pa.timestamp("us", "Europe/Berlin"),
        times.map(lambda t: t.replace(tzinfo=dt.UTC)),
        st.datetimes(at("1700-01-01"), timezones=berlin),
    ),
}


def _digits(number: int) -> tuple[int, ...]:
    return tuple(int(digit) for digit in str(abs(number)))


@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=drawn(30))
@given(data=st.data())
def test_a_filter_keeps_what_sql_keeps(kind: str, data: st.DataObject) -> None:
    dtype, column_values, other_values = TYPES[kind]
    values = data.draw(st.lists(st.none() | column_values, max_size=6))
    present = [value for value in values if value is not None]
    compared = other_values | st.sampled_from(present) if present else other_values
    in_text = IN_TEXT if kind in ("string", "binary") else {}
    name: Any = data.draw(st.sampled_from([*COMPARISONS, *in_text, "is null", "is not null"]))
    value: Any = None
    if name in ("in", "not in"):
        value = data.draw(st.lists(compared, min_size=1, max_size=3))
    elif not name.startswith("is"):
        value = data.draw(compared)
    condition = Filter("value", name, value)
    assert found(in_memory(rows_of(values, dtype)), condition) == kept(values, condition)


TABLE = st.fixed_dictionaries(
    {
        "number": st.none() | st.integers(-3, 3),
        "price": st.none() | st.integers(-300, 300).map(lambda cents: Decimal(cents) / 100),
        "day": st.none() | st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 5)),
        "name": st.none() | st.text("aé\U0001f600z", max_size=2).map(lambda s: s * 20),
    }
)
SCHEMA = pa.schema(
    {
        "number": pa.int64(),
        "price": pa.decimal128(15, 2),
        "day": pa.date32(),
        "name": pa.string(),
    }
)


@settings(max_examples=drawn(15))
@given(data=st.data())
def test_statistics_of_files_and_row_groups_lose_no_row(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Pushed down, a filter skips row groups by their minima and maxima (of strings, cut off)."""
    records = data.draw(st.lists(TABLE, min_size=1, max_size=8))
    rows = pa.Table.from_pylist(records, SCHEMA).append_column("row", [range(len(records))])
    place = tmp_path_factory.mktemp("scan")
    pq.write_table(rows, place / "rows.parquet", row_group_size=2)
    write_deltalake(str(place / "delta"), rows.slice(0, 3))
    write_deltalake(str(place / "delta"), rows.slice(3), mode="append")
    name = data.draw(st.sampled_from(SCHEMA.names))
    in_text = IN_TEXT if name == "name" else {}
    operators = [*COMPARISONS, *in_text, "is null", "is not null"]
    comparison: Any = data.draw(st.sampled_from(operators))
    candidates = [record[name] for record in records if record[name] is not None] or [_SOME[name]]
    value: Any = data.draw(st.sampled_from(candidates))
    if comparison.startswith("is"):
        value = None
    if comparison in in_text and data.draw(st.booleans()):
        value = value[: len(value) // 2]
    condition = Filter(name, comparison, [value] if comparison in ("in", "not in") else value)
    expected = kept([record[name] for record in records], condition)
    parquet = ParquetTable(name="t", location=str(place / "rows.parquet"))
    delta = DeltaTable(name="t", location=str(place / "delta"))
    assert found(parquet, condition) == expected
    assert found(delta, condition) == expected


_SOME: dict[str, Any] = {
    "number": 0,
    "price": Decimal("0.00"),
    "day": dt.date(2026, 1, 1),
    "name": "",
}


def test_several_filters_all_hold() -> None:
    rows = rows_of([1, 2, 3, None], pa.int64())
    assert found(in_memory(rows), Filter("value", ">", 1), Filter("value", "!=", 3)) == [1]


def test_a_decimal_is_not_compared_as_a_float() -> None:
    # 0.1 + 0.2 is not 0.3, and 2**53 + 1 is not there at all, in floats
    values = [Decimal("0.30"), Decimal("9007199254740993.00"), Decimal("9007199254740992.00")]
    table = in_memory(rows_of(values, pa.decimal128(20, 2)))
    assert found(table, Filter("value", "=", Decimal("0.3"))) == [0]
    assert found(table, Filter("value", "=", 9007199254740993)) == [1]
    assert found(table, Filter("value", ">", Decimal("0.299999999999999999999999"))) == [0, 1, 2]


def test_a_finer_time_than_the_column_holds_loses_no_row() -> None:
    column = [at("2026-01-01T00:00:00.001")]
    table = in_memory(rows_of(column, pa.timestamp("ms")))
    assert found(table, Filter("value", "<", at("2026-01-01T00:00:00.001001"))) == [0]
    assert found(table, Filter("value", "=", at("2026-01-01T00:00:00.001001"))) == []


def test_nan_is_above_every_number_as_the_engines_have_it() -> None:
    table = in_memory(rows_of([float("nan"), 1.0, None], pa.float64()))
    assert found(table, Filter("value", ">", 1e300)) == [0]
    assert found(table, Filter("value", "!=", 1.0)) == [0]


def test_categories_are_compared_as_strings() -> None:
    levels = pl.Enum(["small", "big"])
    frame = pl.DataFrame(
        {"row": [0, 1], "value": ["small", "big"]}, schema_overrides={"value": levels}
    )
    table = FunctionTable(name="t", function=frame.lazy)
    assert found(table, Filter("value", "<", "huge")) == [1]
    assert found(table, Filter("value", "in", ["unknown", "small"])) == [0]


def test_long_lists_are_one_expression() -> None:
    table = in_memory(rows_of(range(10), pa.int64()))
    assert found(table, Filter("value", "in", list(range(5, 10_000)))) == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        (pa.int64(), 1.0, "value 1.0 is of type float: expected int for a column of type Int64"),
        (pa.int64(), True, "of type bool: expected int"),
        (pa.int64(), "1", "of type str: expected int"),
        (pa.decimal128(15, 2), 0.1, "of type float: expected a finite Decimal or int"),
        (pa.decimal128(15, 2), Decimal("nan"), "expected a finite Decimal"),
        (pa.float64(), Decimal(1), "of type Decimal: expected float"),
        (pa.float64(), float("nan"), "value nan is of type float: expected float [(]not nan"),
        (pa.float64(), 2**53 + 1, "expected float .* that a float holds exactly"),
        (pa.date32(), at("2026-01-01"), "of type datetime: expected date"),
        (pa.date32(), "2026-01-01", "of type str: expected date"),
        (pa.timestamp("us"), dt.date(2026, 1, 1), "expected datetime without a time zone"),
        (pa.timestamp("us"), at("2026-01-01T00:00Z"), "without a time zone"),
        (pa.timestamp("us", "UTC"), at("2026-01-01"), "expected datetime with a time zone"),
        (pa.string(), b"x", "of type bytes: expected str"),
        (pa.string(), None, "a comparison with None is never true: use 'is null'"),
        (pa.bool_(), 1, "of type int: expected bool"),
        (pa.list_(pa.int64()), [1], "expected 'is null' or 'is not null'"),
    ],
)
def test_a_value_of_another_type_is_refused(dtype: pa.DataType, value: Any, message: str) -> None:
    table = in_memory(rows_of([None], dtype))
    with pytest.raises(CatalogError, match=f"^filter t.value =: .*{message}"):
        table.lazy([Filter("value", "=", value)])
    with pytest.raises(CatalogError, match=f"^filter t.value in: .*{message}"):
        table.lazy([Filter("value", "in", [value])])


@pytest.mark.parametrize(
    ("comparison", "value", "message"),
    [
        ("==", 1, "no such operator; there are '=', '!='"),
        ("is null", 1, "takes no value, but was given 1"),
        ("in", 1, "takes a list of one or more values, but was given 1"),
        ("in", "abc", "takes a list"),
        ("not in", [], "takes a list of one or more values"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(
    comparison: Any, value: object, message: str
) -> None:
    with pytest.raises(CatalogError, match=f"filter id {comparison}: {message}"):
        Filter("id", comparison, value)


def test_an_unknown_column_is_named() -> None:
    table = in_memory(rows_of([1], pa.int64()))
    message = "table t has no column values; it has row, value"
    with pytest.raises(CatalogError, match=message):
        table.lazy([Filter("values", "=", 1)])
    with pytest.raises(CatalogError, match=message):
        table.lazy(columns=["values"])
    with pytest.raises(CatalogError, match="a column is chosen twice in row, row"):
        table.lazy(columns=["row", "row"])


def test_a_filter_does_not_change_with_the_list_it_was_given(tmp_path: Path) -> None:
    values = [1]
    condition = Filter("value", "in", values)
    values.append(2)
    assert condition.value == (1,)
    assert hash(condition) == hash(Filter("value", "in", [1]))
