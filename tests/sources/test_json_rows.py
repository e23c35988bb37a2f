"""Lines of JSON become rows exactly, and what is no row is told in words."""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.sources.json_line import RowError
from neuralake.sources.json_rows import RowDecoder
from tests.more import drawn

UTC = dt.UTC
MONEY = pa.decimal128(12, 2)
END_OF_TIME = dt.datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001
A_DAY = dt.date(2026, 1, 1)


def decoder(kind: pa.DataType, *, nullable: bool = True) -> RowDecoder:
    return RowDecoder(pa.schema([pa.field("a", kind, nullable)]))


def one(kind: pa.DataType, text: str) -> Any:
    """The value of a column, by both ways if the fast one takes it."""
    read = decoder(kind)
    line = f'{{"a":{text}}}'.encode()
    slow = read.batch([read.decode_line(line)])
    fast = read.decode(line + b"\n")
    if fast is not None:
        assert fast.equals(slow)
    assert slow.schema.field("a").type == kind
    return slow.column("a").to_pylist()[0]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (pa.int64(), "9223372036854775807", 2**63 - 1),
        (pa.int64(), "-9223372036854775808", -(2**63)),
        (pa.int8(), "-128", -128),
        (pa.float64(), "0.1", 0.1),
        (pa.float64(), "5e-324", 5e-324),
        (pa.float64(), "9007199254740993", 9007199254740992.0),
        (pa.float64(), "3", 3.0),
        (pa.bool_(), "false", False),
        (MONEY, "0.1", Decimal("0.10")),
        (MONEY, "9999999999.99", Decimal("9999999999.99")),
        (MONEY, '"-1.50"', Decimal("-1.50")),
        (MONEY, "1.5e3", Decimal("1500.00")),
        (MONEY, "1.5000", Decimal("1.50")),
        (pa.decimal128(38, 10), "1234567890123456789012345678.0123456789", None),
        (pa.string(), '"é\\u0000\\n\\ud83d\\ude00"', "é\0\n😀"),
        (pa.binary(), '"aGk="', b"hi"),
        (pa.date32(), '"2026-11-25"', dt.date(2026, 11, 25)),
        (
            pa.timestamp("us", "UTC"),
            '"2026-11-25T01:02:03.123456+02:00"',
            dt.datetime(2026, 11, 24, 23, 2, 3, 123456, UTC),
        ),
        (pa.timestamp("us", "UTC"), '"0001-01-01T00:00:00Z"', dt.datetime(1, 1, 1, tzinfo=UTC)),
        (pa.timestamp("us"), '"9999-12-31 23:59:59.999999"', END_OF_TIME),
        (pa.list_(pa.int32()), "[1,null,2]", [1, None, 2]),
        (pa.struct([("x", MONEY), ("y", MONEY)]), '{"x":1.25}', {"x": Decimal("1.25"), "y": None}),
        (pa.list_(pa.struct([("d", pa.date32())])), '[{"d":"2026-01-01"}]', [{"d": A_DAY}]),
        (pa.map_(pa.string(), pa.int64()), '{"k":1,"l":null}', [("k", 1), ("l", None)]),
        (pa.map_(pa.int32(), MONEY), '{"7":0.01}', [(7, Decimal("0.01"))]),
        (pa.int64(), "null", None),
    ],
)
def test_a_value_is_just_what_was_written(kind: pa.DataType, text: str, value: Any) -> None:
    expected = value if kind != pa.decimal128(38, 10) else Decimal(text)
    assert one(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (pa.int64(), "9223372036854775808", "a whole number of 64 bits"),
        (pa.int64(), "1.0", "a whole number of 64 bits"),
        (pa.int64(), "1e3", "a whole number of 64 bits"),
        (pa.int64(), '"1"', "a whole number of 64 bits"),
        (pa.int64(), "true", "a whole number of 64 bits"),
        (pa.int8(), "128", "a whole number of 8 bits"),
        (pa.float64(), "1e999", "a number of 64 bits"),
        (pa.float32(), "1e39", "a number of 32 bits"),
        (pa.float64(), '"1.5"', "a number of 64 bits"),
        (pa.bool_(), "1", "true or false"),
        (MONEY, "1.555", "a number of at most 12 digits, 2 of them decimals"),
        (MONEY, "10000000000", "a number of at most 12 digits, 2 of them decimals"),
        (MONEY, '"1_0"', "a number of at most 12 digits, 2 of them decimals"),
        (MONEY, '"NaN"', "a number of at most 12 digits, 2 of them decimals"),
        (MONEY, "1e9999999", "a number of at most 12 digits, 2 of them decimals"),
        (pa.string(), "1", "a text"),
        (pa.string(), '"\\ud800"', "a text"),
        (pa.binary(), '"a b"', "a text in base64"),
        (pa.date32(), "20000", "a date such as 2026-11-25"),
        (pa.date32(), '"2026-02-30"', "a date such as 2026-11-25"),
        (pa.timestamp("us", "UTC"), '"2026-11-25T01:02:03"', "with an offset from UTC"),
        (pa.timestamp("us", "UTC"), "1700000000", "with an offset from UTC"),
        (pa.timestamp("us", "UTC"), '"2026-11-25T01:02:03.1234567Z"', "with an offset from UTC"),
        (pa.timestamp("us"), '"2026-11-25T01:02:03Z"', "with no offset from UTC"),
        (pa.list_(pa.int32()), "1", "expected a list"),
        (pa.struct([("x", pa.int64())]), "[]", "expected an object"),
        (pa.map_(pa.string(), pa.int64()), '[["k",1]]', "expected an object"),
    ],
)
def test_what_does_not_fit_is_refused_and_never_null(
    kind: pa.DataType, text: str, expected: str
) -> None:
    read = decoder(kind)
    line = f'{{"a":{text}}}'.encode()
    assert read.decode(line + b"\n") is None
    with pytest.raises(RowError, match=r"^column a.* is ") as refused:
        read.decode_line(line)
    assert str(refused.value).endswith(expected)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"null", "it is null: expected a JSON object"),
        (b"[1]", r"it is \[.1.\]: expected a JSON object"),
        (b'{"a":1}{"a":2}', "it is not JSON: Extra data at character 8"),
        (b'{"a":1,"a":2}', 'it has "a" twice in one object'),
        (b'{"a":1,"b":2}', 'it has "b", of which the table has no column: there are a'),
        (b'{"A":1}', 'it has "A", of which the table has no column'),
        (b'{"a":NaN}', "it is not JSON: NaN is none of its values"),
        (b'{"a":-Infinity}', "it is not JSON: -Infinity is none of its values"),
        (b'{"a":1', "it is not JSON: "),
        (b"hello", "it is not JSON: "),
        (b'{"a":"\xff"}', "it is not UTF-8 at byte 7"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":"\\ud800"}', r'column a is "\\ud800": expected a whole number'),
        (b'{"\\udfff":1}', r'it has "\\udfff", of which the table has no column'),
        (b'{"a":1,"\\ud800":2,"\\ud800":3}', r'it has "\\ud800" twice'),
    ],
    ids=str,
)
def test_what_is_no_row_is_told_in_words(line: bytes, reason: str) -> None:
    read = decoder(pa.int64())
    assert read.decode(line[:1000] + b"\n") is None
    with pytest.raises(RowError, match=f"^{reason}") as refused:
        read.decode_line(line)
    assert str(refused.value).encode()  # it can be written down


def test_what_is_nested_as_deeply_as_it_can_be_read_is_told() -> None:
    """However much of the stack is in use: what tells of it may need more than what read it."""
    read = decoder(pa.int64())
    for depth in range(1, sys.getrecursionlimit() + 10):
        with pytest.raises(RowError, match=r"^column a is |^it is nested too deeply"):
            read.decode_line(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


def test_a_column_that_may_not_be_null_must_be_there() -> None:
    read = decoder(pa.int64(), nullable=False)
    for lines in (b'{"a":1}\n{"a":null}\n', b'{"a":1}\n{}\n'):
        assert read.decode(lines) is None
    with pytest.raises(RowError, match="column a is null or missing, which it must not be"):
        read.decode_line(b"{}")
    inner = decoder(pa.list_(pa.field("element", pa.int64(), nullable=False)))
    with pytest.raises(RowError, match=r"column a\[\] is null or missing"):
        inner.decode_line(b'{"a":[1,null]}')


@pytest.mark.parametrize(
    "lines",
    [
        b'{"a":1}\n\n  \n{"a":2}\n',
        b'{"a":1}\r\n{"a":2}\r\n',
        b' {"a":1} \n\t{ "a" : 2 }\n',
    ],
)
def test_white_space_and_blank_lines_are_no_matter(lines: bytes) -> None:
    batch = decoder(pa.int64()).decode(lines)
    assert batch is not None
    assert batch.column("a").to_pylist() == [1, 2]


@pytest.mark.parametrize(
    "lines",
    [
        b'{"a":\n1}\n',
        b'{"a":\n1}\n{"a":2}{"a":3}\n',  # as many rows as lines
        b'{"a":1}{"a":2}\n',
        b'null\n{"a":1}\n',
    ],
)
def test_a_line_is_one_row(lines: bytes) -> None:
    assert decoder(pa.int64()).decode(lines) is None


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_encodings_of_text_are_one_type(kind: pa.DataType) -> None:
    batch = decoder(kind).decode(b'{"a":"x"}\n')
    assert batch is not None
    assert batch.column("a").to_pylist() == ["x"]


# Both ways agree

SCHEMA = pa.schema(
    [
        pa.field("i", pa.int32()),
        pa.field("f", pa.float64()),
        pa.field("g", pa.float32()),
        pa.field("d", MONEY),
        pa.field("s", pa.string()),
        pa.field("t", pa.timestamp("us", "UTC")),
        pa.field("x", pa.struct([("l", pa.list_(pa.date32())), ("b", pa.bool_())])),
        pa.field("n", pa.int64(), nullable=False),
    ]
)
NUMBERS = st.one_of(
    st.integers(-(2**66), 2**66).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "0.0", "1e400", "1E2", "1.0", "01", "1.", ".5", "+1", "NaN"]),
)
TEXTS = st.one_of(
    st.text(max_size=5).map(json.dumps),
    st.sampled_from(['"2026-11-25"', '"2026-11-25T00:00:00Z"', '"1.5"', '"\\ud800"']),
    st.datetimes().map(lambda t: f'"{t.isoformat()}Z"'),
    st.dates().map(lambda d: f'"{d}"'),
)
PLAIN = st.one_of(NUMBERS, TEXTS, st.sampled_from(["null", "true", "false", "[]", "{}"]))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda v: f"[{','.join(v)}]"),
        st.lists(st.tuples(st.sampled_from("lbz"), inner), max_size=2).map(
            lambda v: "{" + ",".join(f'"{key}":{value}' for key, value in v) + "}"
        ),
    ),
    max_leaves=4,
)
LINES = st.lists(st.tuples(st.sampled_from("ifgdstxnz"), VALUES), max_size=4).map(
    lambda pairs: ("{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}").encode()
)


@settings(max_examples=drawn(500))
@given(st.lists(LINES, min_size=1, max_size=4))
def test_many_lines_at_once_are_what_each_is_by_itself(lines: list[bytes]) -> None:
    """Arrow's reader takes nothing that the strict one refuses, and gives the same rows."""
    read = RowDecoder(SCHEMA)
    fast = read.decode(b"".join(line + b"\n" for line in lines))
    if fast is not None:
        slow = read.batch([read.decode_line(line) for line in lines])
        assert fast.equals(slow)


def test_the_fast_way_is_taken_for_good_lines() -> None:
    read = RowDecoder(SCHEMA)
    line = (
        b'{"i":1,"f":0.5,"g":0.1,"d":1.10,"s":"x","t":"2026-01-01T00:00:00Z","x":{"l":[]},"n":1}\n'
    )
    assert read.decode(line * 3) is not None
