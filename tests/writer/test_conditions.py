"""Conditions of Spark's SQL: each holds for the rows for which Spark says that it does."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neuralake.writer import Writer
from neuralake.writer.errors import BatchError, UnsupportedTableError
from tests.delta.make import write_table

KIND = pa.schema(
    [
        ("t", pa.int8()),
        ("i", pa.int32()),
        ("l", pa.int64()),
        ("f", pa.float32()),
        ("d", pa.float64()),
        ("m", pa.decimal128(12, 2)),
        ("w", pa.decimal128(38, 18)),
        ("s", pa.string()),
        ("b", pa.bool_()),
        ("day", pa.date32()),
        ("z", pa.timestamp("us", "UTC")),
        ("raw", pa.binary()),
        ("__row", pa.int64()),
    ]
)
MONEY, WIDE = Decimal("0.30"), Decimal("12345678901234567890.123456789012345678")
NAN = float("nan")
DAY = dt.date(2026, 11, 26)


def table_with(root: Path, text: str) -> str:
    place = root / "t"
    said = {"delta.constraints.c": text}
    write_table(place, KIND, [], writer_features=["checkConstraints"], configuration=said)
    return str(place)


def holds(root: Path, text: str, **row: Any) -> bool:
    """Whether the writer takes a row under a constraint."""
    with Writer(table_with(root, text)) as writer:
        try:
            writer.append(pa.Table.from_pylist([row], KIND))
        except BatchError as error:
            assert "row 0 breaks the constraint c" in str(error)
            return False
        return True


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        # a null in a list makes null of what is not found in it
        ("i NOT IN (1, NULL)", {"i": 2}, False),
        ("i IN (1, NULL)", {"i": 1}, True),
        ("NOT (s IN ('a', NULL)) OR i = 1", {"s": "b", "i": 2}, False),
        ("i IN (1, l, 7)", {"i": 5, "l": 5}, True),
        # whole numbers do not wrap: beside a literal they are Spark's INT
        ("t + 100 > 0", {"t": 100}, True),
        ("t - 100 < 0", {"t": -100}, True),
        ("t * 2 > 200", {"t": 101}, True),
        ("l > 9223372036854775806.5", {"l": 2**63 - 1}, True),
        ("l = 9007199254740992.0", {"l": 2**53 + 1}, False),
        # beside a literal with a point a float is a double
        ("f = 0.1", {"f": 0.1}, False),
        ("f <= 0.1", {"f": 0.1}, False),
        ("d = 0.1", {"d": 0.1}, True),
        ("f = d", {"f": 0.1, "d": 0.1}, False),
        ("f > 1", {"f": 1.5}, True),
        ("d = 1e3", {"d": 1000.0}, True),
        ("d = d", {"d": NAN}, True),
        ("d > 1e308", {"d": NAN}, True),
        ("d < 5", {"d": NAN}, False),
        # decimals are exact
        ("m = 0.3", {"m": MONEY}, True),
        ("m + 0.1 = 0.4", {"m": MONEY}, True),
        ("m * i = 0.90", {"m": MONEY, "i": 3}, True),
        ("m * 1.005 = 0.3015", {"m": MONEY}, True),
        ("w > 12345678901234567890.123456789012345677", {"w": WIDE}, True),
        ("w = m", {"w": Decimal("0.3"), "m": MONEY}, True),
        ("m BETWEEN 0.30 AND i", {"m": MONEY, "i": 1}, True),
        ("-m < 0", {"m": MONEY}, True),
        ("abs(m) = 0.3", {"m": -MONEY}, True),
        ("m = d", {"m": MONEY, "d": 0.3}, True),
        # of three values
        ("i > 1 OR s IS NULL", {}, True),
        ("i > 1 AND i IS NULL", {}, False),
        ("NOT (i > 1)", {}, False),
        ("b IS NOT FALSE", {}, True),
        ("b IS TRUE OR NOT b", {}, False),
        ("b", {"b": True}, True),
        ("raw IS NOT NULL", {"raw": b""}, True),
        ("coalesce(i, t, 7) = 7", {}, True),
        ("coalesce(m, 0) = 0", {}, True),
        ("1 = 1", {}, True),
        # texts and days
        ("length(s) = 2", {"s": "é\U0001f600"}, True),
        ("upper(s) = 'STRASSE'", {"s": "straße"}, True),
        ("s = 'it\\'s'", {"s": "it's"}, True),
        ("s > 'a'", {"s": "B"}, False),
        ("day >= '2026-11-26'", {"day": DAY}, True),
        ("day IN ('2026-11-25', '2026-11-26')", {"day": DAY}, True),
        ("day < DATE '2026-11-26'", {"day": DAY}, False),
        ("z = z", {"z": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, True),
        # casts
        ("CAST(s AS INT) > 4", {"s": "5"}, True),
        ("CAST(m AS INT) = 0", {"m": Decimal("-0.99")}, True),
        ("CAST(d AS INT) = -1", {"d": -1.9}, True),
        ("CAST(i AS STRING) = '7'", {"i": 7}, True),
        ("CAST(day AS STRING) = '2026-11-26'", {"day": DAY}, True),
        ("CAST(s AS DATE) = day", {"s": "2026-11-26", "day": DAY}, True),
        ("CAST(i AS DECIMAL(12, 2)) = 1.00", {"i": 1}, True),
        ("CAST(f AS DOUBLE) > 0.1", {"f": 0.1}, True),
        ("CAST(b AS INT) = 1", {"b": True}, True),
        # a column that is called as something of ours
        ("__row > 1", {"__row": 1}, False),
        ("I > 1", {"i": 2}, True),
    ],
)
def test_a_row_is_taken_where_spark_says_that_it_holds(
    tmp_path: Path, text: str, row: dict[str, Any], expected: bool
) -> None:
    assert holds(tmp_path, text, **row) == expected


@pytest.mark.parametrize(
    ("text", "row"),
    [("-t > 127", {"t": -128}), ("abs(t) = 128", {"t": -128}), ("l + 1 > l", {"l": 2**63 - 1})],
)
def test_what_overflows_in_spark_is_computed_exactly(
    tmp_path: Path, text: str, row: dict[str, Any]
) -> None:
    """There it is an error, or wraps, by a setting; the condition itself is true."""
    assert holds(tmp_path, text, **row)


@pytest.mark.parametrize(
    ("text", "row", "reason"),
    [
        ("CAST(s AS INT) > 4", {"s": "five"}, "fails on the batch"),
        ("CAST(i AS TINYINT) > 4", {"i": 300}, "fails on the batch"),
        ("CAST(d AS INT) > 4", {"d": NAN}, "fails on the batch"),
        ("CAST(s AS DATE) = day", {"s": "26.11.2026", "day": DAY}, "fails on the batch"),
    ],
)
def test_a_cast_that_spark_would_not_make_refuses_the_batch_in_words(
    tmp_path: Path, text: str, row: dict[str, Any], reason: str
) -> None:
    with Writer(table_with(tmp_path, text)) as writer:
        with pytest.raises(BatchError, match=reason):
            writer.append(pa.Table.from_pylist([row], KIND))
        writer.append(pa.Table.from_pylist([], KIND))
    assert not list(Path(tmp_path).rglob("*.parquet"))


@pytest.mark.parametrize(
    "text",
    [
        "TRY_CAST(s AS INT) > 4",
        "s > 5",  # Spark makes a number of the text
        "z > '2026-01-01'",  # by the zone of somebody's session
        "CAST(z AS DATE) = day",
        "CAST(d AS STRING) = '1.0'",
        "CAST(d AS DECIMAL(5, 2)) = 1.00",
        "CAST(m AS DECIMAL(5, 1)) > 0",
        "w * w > 0",
        "l * l * l > 0",
        "raw = 'x'",
        "i IN (SELECT 1)",
        "(i, l) IN ((1, 2))",
        "day > 'yesterday'",
        "i <=> l",
        "i",
        "s LIKE 'a%'",
        "i / 2 > 1",
    ],
)
def test_what_is_not_known_to_mean_the_same_is_refused_by_name(tmp_path: Path, text: str) -> None:
    place = table_with(tmp_path, text)
    with pytest.raises(UnsupportedTableError, match=r"the constraint c .* cannot be verified") as e:
        Writer(place)
    assert "\n" not in str(e.value)
