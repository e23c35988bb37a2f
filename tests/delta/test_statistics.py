from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from neuralake.delta.statistics import (
    encode_statistics,
    indexed_columns,
    lower_bound,
    statistics,
    upper_bound,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
money = st.decimals(-(10**13) + 1, 10**13 - 1, places=2)
NAN = float("nan")


@given(st.integers(0, 2**60), st.tuples(money, money).map(sorted), st.dates())
def test_statistics_are_exact(rows: int, prices: list[Decimal], day: date) -> None:
    document = encode_statistics(
        rows,
        {("price",): (prices[0], prices[1]), ("day",): (day, day)},
        {("price",): 3, ("day",): 0},
    )
    read = json.loads(document, parse_float=Decimal, parse_int=Decimal)
    assert read["numRecords"] == rows
    assert read["minValues"] == {"price": prices[0], "day": day.isoformat()}
    assert read["maxValues"] == {"price": prices[1], "day": day.isoformat()}
    assert read["nullCount"] == {"price": 3, "day": 0}


@given(text)
def test_cut_text_is_a_bound(word: str) -> None:
    lower, upper = lower_bound(word), upper_bound(word)
    assert isinstance(lower, str)
    assert len(lower) <= 32
    assert lower.encode() <= word.encode()
    if upper is not None:
        assert isinstance(upper, str)
        assert len(upper) <= 33
        assert word.encode() <= upper.encode()
    if len(word) <= 32:
        assert lower == upper == word


def test_text_without_a_short_bound_has_none() -> None:
    endless = "a" * 32 + "\U0010ffff" * 2
    assert upper_bound(endless) is None
    assert json.loads(encode_statistics(1, {("c",): (endless, endless)}, {}))["maxValues"] == {}


@given(st.lists(st.one_of(st.none(), text), min_size=1, max_size=40), st.integers(1, 7))
def test_row_groups_are_merged(values: list[str | None], row_group_size: int) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"c": pa.array(values, pa.string())}), sink, row_group_size)
    read = json.loads(statistics(pq.read_metadata(pa.BufferReader(sink.getvalue()))))
    assert read["numRecords"] == len(values)
    assert read["nullCount"] == {"c": values.count(None)}
    for value in filter(None, values):
        if "c" in read["minValues"]:
            assert read["minValues"]["c"] <= value
        if "c" in read["maxValues"]:
            assert value <= read["maxValues"]["c"]


def _footer(table: pa.Table) -> pq.FileMetaData:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return pq.read_metadata(pa.BufferReader(sink.getvalue()))


def _read(table: pa.Table, indexed: int | None = None, **asked: Any) -> Any:
    columns = None if indexed is None else indexed_columns(table.schema, indexed)
    return json.loads(statistics(_footer(table), columns, **asked))


def test_floats_have_bounds_only_where_there_is_no_nan_for_certain() -> None:
    table = pa.table({"f": [1.5, NAN, 2.5], "g": [1.5, None, 2.5], "h": [float("inf"), 1.0, 2.0]})
    assert _read(table)["minValues"] == {}
    read = _read(table, without_nan={("g",), ("h",)})
    assert (read["minValues"], read["maxValues"]) == ({"g": 1.5}, {"g": 2.5})
    assert read["nullCount"] == {"f": 0, "g": 1, "h": 0}


def test_times_are_in_utc_where_they_have_a_zone() -> None:
    moment = datetime(2026, 11, 25, 22, 30, 1, 250, UTC)
    kinds = {"z": pa.timestamp("us", "UTC"), "n": pa.timestamp("us"), "d": pa.date32()}
    arrays = {
        "z": pa.array([moment], kinds["z"]),
        "n": pa.array([moment.replace(tzinfo=None)], kinds["n"]),
        "d": pa.array([moment.date()], kinds["d"]),
    }
    assert _read(pa.table(arrays))["minValues"] == {
        "z": "2026-11-25T22:30:01.000250Z",
        "n": "2026-11-25T22:30:01.000250",
        "d": "2026-11-25",
    }


def test_a_time_that_python_has_none_for_has_no_bounds() -> None:
    far = pa.array([0, 9_000_000_000_000_000_00], pa.int64()).cast(pa.timestamp("us", "UTC"))
    assert _read(pa.table({"z": far}))["maxValues"] == {}


def test_structs_are_nested_and_lists_have_none() -> None:
    row = {"a": {"b": 1, "x.y": "u"}, "l": [1, 2], "m": [("k", 1)], "after": 7}
    kinds = pa.schema(
        [
            ("a", pa.struct([("b", pa.int64()), ("x.y", pa.string())])),
            ("l", pa.list_(pa.int64())),
            ("m", pa.map_(pa.string(), pa.int64())),
            ("after", pa.int32()),
        ]
    )
    read = _read(pa.Table.from_pylist([row], kinds))
    assert read["minValues"] == {"a": {"b": 1, "x.y": "u"}, "after": 7}
    assert read["nullCount"] == {"a": {"b": 0, "x.y": 0}, "after": 0}


def test_only_the_first_columns_are_indexed_where_the_table_says_so() -> None:
    table = pa.table({"a": [1], "b": [2], "c": [3]})
    assert _read(table, indexed=2)["maxValues"] == {"a": 1, "b": 2}
    assert _read(table, indexed=-1)["maxValues"] == {"a": 1, "b": 2, "c": 3}
    assert _read(table, indexed=0) == {
        "numRecords": 1,
        "minValues": {},
        "maxValues": {},
        "nullCount": {},
    }


def test_bytes_and_booleans_have_no_bounds() -> None:
    read = _read(pa.table({"b": [b"x", None], "t": [True, False]}))
    assert read["minValues"] == {}
    assert read["nullCount"] == {"b": 1, "t": 0}
