"""Every value comes back as the engine has it, in each format."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.serving.answers import RefusedError
from neuralake.serving.formats import arrow_stream, csv_text, json_text
from tests.more import drawn

DECIMAL = pa.decimal128(38, 10)
decimals = st.decimals(-(10**20), 10**20, places=10, allow_nan=False, allow_infinity=False)
times = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - on purpose
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "int8": (pa.int8(), st.integers(-128, 127)),
    "float64": (pa.float64(), st.floats()),
    "float32": (pa.float32(), st.floats(width=32)),
    "bool": (pa.bool_(), st.booleans()),
    "string": (pa.string(), st.text()),
    "string_view": (pa.string_view(), st.text(max_size=20)),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["", "a", '"'])),
    "binary": (pa.binary(), st.binary()),
    "decimal": (DECIMAL, decimals),
    "date": (pa.date32(), st.dates()),
    "time": (pa.time64("us"), st.times()),
    "timestamp": (pa.timestamp("us"), times),
    "timestamp with zone": (pa.timestamp("us", "Europe/Berlin"), times),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 9) | st.none(), max_size=3)),
    "large list": (pa.large_list(pa.string()), st.lists(st.text(max_size=3), max_size=3)),
    "fixed list": (pa.list_(pa.int32(), 2), st.lists(st.integers(0, 9), min_size=2, max_size=2)),
    "struct": (
        pa.struct([("a", pa.int64()), ('b"', pa.list_(pa.string()))]),
        st.fixed_dictionaries(
            {"a": st.none() | st.integers(0, 9), 'b"': st.none() | st.just(["x"])}
        ),
    ),
    "map": (
        pa.map_(pa.string(), DECIMAL),
        st.lists(st.tuples(st.text(max_size=3), st.none() | decimals), max_size=3),
    ),
    "null": (pa.null(), st.none()),
}


@st.composite
def batches(draw: st.DrawFn, name: str) -> pa.RecordBatch:
    """A column of a type, now and then a part of a longer one, short and long."""
    kind, values = VALUES[name]
    found = draw(st.lists(st.none() | values, max_size=12)) * draw(st.sampled_from([1, 1, 5]))
    batch = pa.record_batch({"v": pa.array(found, kind)})
    return batch.slice(draw(st.integers(0, 3)))


def as_json(value: Any, kind: pa.DataType) -> Any:
    """How JSON is documented to have a value."""
    types = pa.types
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else as_words(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if types.is_map(kind):
        return [{"key": k, "value": as_json(v, kind.item_type)} for k, v in value]
    if types.is_struct(kind):
        return {f.name: as_json(value[f.name], f.type) for f in kind}
    assert isinstance(value, list)
    return [as_json(item, kind.value_type) for item in value]


def as_words(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def wanted(batch: pa.RecordBatch) -> list[Any]:
    kind = batch.schema.field("v").type
    column = batch.column("v")
    if pa.types.is_timestamp(kind) and kind.tz:
        in_utc = column.cast(pa.timestamp("us", "UTC")).to_pylist()
        return [v and as_json(v, kind) + "Z" for v in in_utc]
    return [as_json(value, kind) for value in column.to_pylist()]


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=drawn(20))
@given(data=st.data())
def test_json(name: str, data: st.DataObject) -> None:
    batch = data.draw(batches(name))
    text = b"".join(json_text.encode(batch.schema, [batch]))
    found = [row["v"] for row in json.loads(text)]
    if name == "float32":  # the digits that tell a float of 32 bits from its neighbours
        assert [v is None for v in found] == [v is None for v in wanted(batch)]
        np.testing.assert_array_equal(_numbers(found), _numbers(wanted(batch)))
    else:
        assert found == wanted(batch)


def _numbers(values: list[Any]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array([0.0 if v is None else float(v) for v in values], np.float32)


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"float32", "null"}))
@settings(max_examples=drawn(20))
@given(data=st.data())
def test_csv(name: str, data: st.DataObject) -> None:
    batch = data.draw(batches(name))
    text = b"".join(csv_text.encode(batch.schema, [batch])).decode()
    if name in {"string", "string_view"}:
        text = text.replace("\0", "␀")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["v"]
    kind = batch.schema.field("v").type
    for row, value in zip(rows[1:], wanted(batch), strict=True):
        field = row[0] if row else ""
        if value is None:
            assert field == ""
        elif pa.types.is_nested(kind):
            assert json.loads(field) == value
        elif isinstance(value, bool):
            assert field == str(value).lower()
        elif isinstance(value, float):
            assert float(field) == value
        else:
            assert field == str(value).replace("\0", "␀")


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=drawn(20))
@given(data=st.data())
def test_arrow(name: str, data: st.DataObject) -> None:
    batch = data.draw(batches(name))
    found = pa.ipc.open_stream(b"".join(arrow_stream.encode(batch.schema, [batch]))).read_all()
    assert found.schema == batch.schema
    assert repr(found.column("v").to_pylist()) == repr(batch.column("v").to_pylist())


def test_an_answer_without_rows_is_whole_in_each_format() -> None:
    schema = pa.schema([("v", pa.int64())])
    assert b"".join(json_text.encode(schema, [])) == b"[]\n"
    assert b"".join(csv_text.encode(schema, [])) == b'"v"\r\n'
    assert pa.ipc.open_stream(b"".join(arrow_stream.encode(schema, []))).read_all().num_rows == 0


def test_two_columns_of_one_name_are_no_json_object() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(RefusedError, match="two columns of the answer are named a"):
        list(json_text.encode(batch.schema, [batch]))
    assert b"".join(csv_text.encode(batch.schema, [batch])) == b'"a","a"\r\n1,2\r\n'


@pytest.mark.parametrize("name", ['a"b', "a\r\nset-cookie: x", "=1+1", "\N{SNOWMAN}", "a,b"])
def test_names_are_quoted(name: str) -> None:
    batch = pa.record_batch({name: [1]})
    assert json.loads(b"".join(json_text.encode(batch.schema, [batch]))) == [{name: 1}]
    text = b"".join(csv_text.encode(batch.schema, [batch])).decode()
    assert next(csv.reader(io.StringIO(text, newline=""))) == [name]


def test_a_duration_is_its_number_of_units() -> None:
    batch = pa.record_batch({"v": pa.array([timedelta(seconds=1)], pa.duration("us"))})
    assert json.loads(b"".join(json_text.encode(batch.schema, [batch]))) == [{"v": "1000000"}]
