"""A digest stands for the values of a result, whatever their encoding."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.queries.digest import digest

VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.decimal128(15, 2): st.decimals(-(10**12), 10**12, places=2),
    pa.date32(): st.dates(),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"])),
    pa.timestamp("us"): st.datetimes(),
}


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    dtype = draw(st.sampled_from(list(VALUES)))
    values = st.lists(st.none() | VALUES[dtype], min_size=1, max_size=8)
    return pa.array(draw(values), dtype)


def table(*values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return pa.table(list(values), names=[f"c{i}" for i in range(len(values))])


@given(columns(), st.data())
def test_it_does_not_depend_on_chunks(column: pa.Array, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(column)))
    chunked = pa.chunked_array([column[:cut], column[cut:]])
    assert digest(table(chunked)) == digest(table(column))


@given(st.lists(st.none() | VALUES[pa.string()], max_size=8))
def test_it_does_not_depend_on_how_strings_are_encoded(values: list[str | None]) -> None:
    plain = pa.array(values, pa.string())
    encodings = [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
    assert {digest(table(plain.cast(dtype))) for dtype in encodings} == {digest(table(plain))}


def shown(column: pa.Array) -> str:
    """What a digest tells apart: any two values but the two zeros of floats."""
    return repr(
        [0.0 if value == 0 and isinstance(value, float) else value for value in column.to_pylist()]
    )


@given(columns(), st.data())
def test_it_changes_with_any_value(column: pa.Array, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(column) - 1))
    values = column.to_pylist()
    values[index] = data.draw(st.none() | VALUES[column.type])
    changed = pa.array(values, column.type)
    same = shown(changed) == shown(column)
    assert (digest(table(changed)) == digest(table(column))) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([None], pa.string()), pa.array([""])),
        (pa.array(["a,b"]), pa.array(['a","b'])),
        (pa.array(["1"]), pa.array([1])),
        (pa.array([Decimal("1.10")]), pa.array([Decimal("1.1")])),
        (pa.array([1, 2, 2]), pa.array([1, 1, 2])),
        (pa.array([1, 1]), pa.array([2, 2])),
        (pa.array([1], pa.int32()), pa.array([1], pa.int64())),
        (pa.array([0.1 + 0.2]), pa.array([0.3])),
        (pa.array([float("nan")]), pa.array([None], pa.float64())),
        (pa.array([], pa.int64()), pa.array([None], pa.int64())),
        (pa.array([[1], None]), pa.array([[1], []])),
    ],
)
def test_it_tells_apart(one: pa.Array, other: pa.Array) -> None:
    assert digest(table(one)) != digest(table(other))


@given(st.permutations([(1, "a"), (1, "b"), (2, "a"), (None, "a")]))
def test_rows_are_in_any_order_but_for_what_is_ordered(rows: list[tuple[int | None, str]]) -> None:
    first = pa.table({"n": [1, 1, 2, None], "s": ["a", "b", "a", "a"]})
    n, s = zip(*rows, strict=True)
    other = pa.table({"n": pa.array(n, pa.int64()), "s": s})
    assert digest(other) == digest(first)
    for order_by in (["N"], ["s"], ["n", "s"]):
        columns = [name.lower() for name in order_by]
        same = other.select(columns).equals(first.select(columns))
        assert (digest(other, order_by) == digest(first, order_by)) == same


def test_it_tells_names_apart() -> None:
    assert digest(pa.table({"a": [1]})) != digest(pa.table({"b": [1]}))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, None]),
        pa.array([b"\x00\xff", None]),
        pa.array([b"\x00\xff", None], pa.binary_view()),
        pa.array([b"ab"], pa.binary(2)),
        pa.array([Decimal("1.5")], pa.decimal256(40, 2)),
        pa.array([time(12, 30)]),
        pa.array([timedelta(seconds=1), None]),
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array([date(1, 1, 1)], pa.date64()),
        pa.array([1.5], pa.float16()),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.array([[1, None], None]),
        pa.array([[1, None], None], pa.list_view(pa.int64())),
        pa.array([{"a": 1}]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array(["a", "b"]).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_every_type_has_one(column: pa.Array) -> None:
    assert len(digest(table(column))) == 32
    assert digest(table(column)) == digest(table(pa.chunked_array([column])))


def test_a_result_without_rows_or_columns_has_one() -> None:
    assert len(digest(pa.table({}))) == 32
    assert digest(table(pa.array([], pa.int64()))) != digest(table(pa.array([], pa.string())))
