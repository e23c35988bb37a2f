"""What a batch may look like, and what is refused: by column, type and what would be right."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.writer.conform import conform
from neuralake.writer.errors import BatchError

UTC = pa.timestamp("us", "UTC")


def through(values: pa.Array | pa.ChunkedArray, kind: pa.DataType, nullable: bool = True) -> Any:
    schema = pa.schema([pa.field("c", kind, nullable)])
    found = conform(pa.table({"c": values}), schema)
    found.validate(full=True)
    assert found.schema.equals(schema)
    return found["c"].to_pylist()


MOMENT = dt.datetime(2026, 11, 25, 22, 50, 1, 123456, dt.UTC)
ACCEPTED = [
    (pa.array(["a", None], pa.large_string()), pa.string()),
    (pa.array(["a", None], pa.string_view()), pa.string()),
    (pa.array(["a", None]).dictionary_encode(), pa.string()),
    (pc.run_end_encode(pa.array(["a", "a", None])), pa.string()),
    (
        pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["a", None]).dictionary_encode()),
        pa.string(),
    ),
    (pa.RunEndEncodedArray.from_arrays([1, 3], pa.array([[1, None], None])), pa.list_(pa.int8())),
    (pa.array([b"a", None], pa.large_binary()), pa.binary()),
    (pa.array([b"ab", None], pa.binary(2)), pa.binary()),
    (pa.array([1, None], pa.int8()), pa.int64()),
    (pa.array([1, None], pa.uint64()), pa.int32()),
    (pa.array([2**31 - 1, None], pa.int64()), pa.int32()),
    (pa.array([1.5, None], pa.float32()), pa.float64()),
    (pa.array([1.5, None, float("inf")], pa.float64()), pa.float32()),
    (pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)), pa.decimal128(12, 4)),
    (pa.array([Decimal("1.50"), None], pa.decimal256(40, 2)), pa.decimal128(12, 2)),
    (pa.array([MOMENT, None], pa.timestamp("ns", "Europe/Budapest")), UTC),
    (pa.array([MOMENT.replace(microsecond=0), None], pa.timestamp("s", "UTC")), UTC),
    (pa.array([MOMENT.date(), None], pa.date64()), pa.date32()),
    (pa.array([None, None], pa.null()), pa.int32()),
    (pa.array([[1], None, []], pa.large_list(pa.int32())), pa.list_(pa.int64())),
    (pa.array([[1], None, []], pa.list_view(pa.int32())), pa.list_(pa.int64())),
    (pa.array([[1, 2], None], pa.list_(pa.int32(), 2)), pa.list_(pa.int64())),
]


@pytest.mark.parametrize(("values", "kind"), ACCEPTED, ids=lambda v: str(getattr(v, "type", v)))
def test_what_is_said_in_another_way_is_the_same(values: pa.Array, kind: pa.DataType) -> None:
    assert through(values, kind) == values.to_pylist()
    assert through(values.slice(1), kind) == values.slice(1).to_pylist()
    both = pa.chunked_array([values, values.slice(0, 1)])
    assert through(both, kind) == both.to_pylist()


REFUSED = [
    (pa.array(["1"]), pa.int64(), "column 'c' is string, and the table has int64"),
    (pa.array([1]), pa.string(), "column 'c' is int64, and the table has string"),
    (pa.array([1]), pa.float64(), "is int64, and the table has double"),
    (pa.array([1.0]), pa.int64(), "is double, and the table has int64"),
    (pa.array([1]), pa.bool_(), "is int64, and the table has bool"),
    (pa.array([2**31]), pa.int32(), "has a value that is no int32"),
    (pa.array([-1]), pa.decimal128(5, 2), "is int64, and the table has decimal128"),
    (pa.array([0.1]), pa.float32(), "column 'c' has 0.1, which is no float exactly"),
    (pa.array([1e300]), pa.float32(), "which is no float exactly"),
    (pa.array([Decimal("1.555")]), pa.decimal128(12, 2), "has a value that is no decimal"),
    (pa.array([Decimal("1000.5")]), pa.decimal128(4, 1), "has a value that is no decimal"),
    (pa.array([MOMENT.replace(tzinfo=None)]), UTC, "and the table has timestamp"),
    (pa.array([MOMENT]), pa.timestamp("us"), "and the table has timestamp"),
    (pa.array([1], pa.timestamp("ns", "UTC")), UTC, "has a value that is no timestamp"),
    (pa.array([MOMENT.date()]), UTC, "is date32"),
    (pa.array([[1]]), pa.int64(), "is list"),
    (pa.array([b"a"]), pa.string(), "is binary"),
    (pa.array([dt.timedelta(1)]), pa.int64(), "is duration"),
    (pa.array([["a"]]), pa.list_(pa.int64()), "column 'c.element' is string"),
    (pa.array([[("a", "x")]], pa.map_(pa.string(), pa.string())),
     pa.map_(pa.string(), pa.int64()), "column 'c.value' is string"),
    (pa.array([{"a": 1, "x": 2}]), pa.struct([("a", pa.int64())]), "no column 'c.x'"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "message"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_would_change_a_value_is_refused(
    values: pa.Array, kind: pa.DataType, message: str
) -> None:
    with pytest.raises(BatchError) as raised:
        through(values, kind)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_columns_are_found_by_their_names() -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.string()), ("c", pa.bool_())])
    found = conform(pa.record_batch({"b": ["x"], "a": [1]}), schema)
    assert found.to_pylist() == [{"a": 1, "b": "x", "c": None}]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "the batch has two columns 'a'"),
        (["a", "devise"], "the table has no column 'devise'; did you mean 'device'?"),
        (["a", "zzz"], "the table has no column 'zzz': it has a, device"),
        (["A"], "the table has no column 'A'"),
        (["device"], "the batch lacks the column 'a', which may not be null"),
    ],
)
def test_columns_that_do_not_fit_are_named(names: list[str], message: str) -> None:
    schema = pa.schema([pa.field("a", pa.int64(), nullable=False), ("device", pa.int64())])
    batch = pa.table([[1]] * len(names), names=names)
    with pytest.raises(BatchError, match=message.replace("?", r"\?")):
        conform(batch, schema)


def test_a_null_is_refused_where_there_may_be_none() -> None:
    with pytest.raises(BatchError, match="column 'c' has a null in row 1, and may not"):
        through(pa.array([1, None]), pa.int64(), nullable=False)
    inner = pa.list_(pa.field("element", pa.int64(), nullable=False))
    assert through(pa.array([[1], None]), inner) == [[1], None]
    with pytest.raises(BatchError, match=r"column 'c\.element' has a null"):
        through(pa.array([[1, None]]), inner)
    struct = pa.struct([pa.field("a", pa.int64(), nullable=False)])
    given = pa.array([{"a": 1}, None], pa.struct([("a", pa.int64())]))
    assert through(given, struct) == [{"a": 1}, None]
    with pytest.raises(BatchError, match=r"column 'c\.a' has a null, and may not"):
        through(pa.array([{"a": None}], pa.struct([("a", pa.int64())])), struct)
    with pytest.raises(BatchError, match=r"lacks the column 'c\.a'"):
        through(pa.array([{}], pa.struct([])), struct)


KIND = pa.struct(
    [
        ("i", pa.int64()),
        ("l", pa.list_(pa.struct([("s", pa.string()), ("n", pa.int32())]))),
        ("m", pa.map_(pa.string(), pa.list_(pa.float64()))),
    ]
)
rows = st.lists(
    st.none()
    | st.fixed_dictionaries(
        {
            "i": st.none() | st.integers(-9, 9),
            "l": st.none()
            | st.lists(
                st.none()
                | st.fixed_dictionaries({"s": st.text("ab"), "n": st.none() | st.integers(0, 3)}),
                max_size=3,
            ),
            "m": st.none()
            | st.dictionaries(
                st.text("xyz", max_size=2),
                st.none() | st.lists(st.floats(-1, 1), max_size=2),
                max_size=2,
            ).map(lambda d: sorted(d.items())),
        }
    ),
    max_size=6,
)


@given(rows, st.integers(0, 3))
def test_nested_values_are_the_same_in_another_order_and_encoding(
    values: list[Any], start: int
) -> None:
    given_kind = pa.struct(
        [
            ("m", pa.map_(pa.string(), pa.large_list(pa.float64()))),
            ("l", pa.large_list(pa.struct([("n", pa.int64()), ("s", pa.large_string())]))),
            ("i", pa.int16()),
        ]
    )
    array = pa.array(values, given_kind).slice(start)
    assert through(array, KIND) == pa.array(values, KIND).slice(start).to_pylist()
