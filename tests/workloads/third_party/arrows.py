"""Two engines that answer a name with values of every Arrow type, each in encodings of its own.

``plainly`` has the usual types; ``oddly`` has the same values in others, as some engine or other
returns them, and its rows in another order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

US, NS = 10**6, 10**9
DAY_S = 86_400
UUIDS = [bytes(range(16)), None, bytes(16)]
D = Decimal


def _int(dtype: pa.DataType) -> pa.Array:
    return pa.array([1, None, 2], dtype)


def _decimal(dtype: pa.DataType) -> pa.Array:
    return pa.array([D("1.50"), None, D("-2.25")], dtype)


def _text(dtype: pa.DataType) -> pa.Array:
    return pa.array(["é'\n", None, "x" * 300], pa.string()).cast(dtype)


def _time(ticks: list[int | None], dtype: pa.DataType) -> pa.Array:
    return pa.array(ticks, dtype)


def _ends(values: pa.Array, *ends: int) -> pa.Array:
    return pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), values)


def _union(mode: str) -> pa.Array:
    codes = pa.array([0, 1, 0], pa.int8())
    if mode == "sparse":
        children = [pa.array([1, 9, 2]), pa.array(["p", "q", "r"])]
        return pa.UnionArray.from_sparse(codes, children, ["n", "s"])
    children = [pa.array([1, 2]), pa.array(["q"], pa.string_view())]
    return pa.UnionArray.from_dense(codes, pa.array([0, 0, 1], pa.int32()), children, ["n", "s"])


def _extension(dtype: pa.DataType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(dtype, storage)


def _chunks(*chunks: pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array(list(chunks))


FLOATS = [1.5, None, float("nan")]
NESTED = [[{"a": [1.5, None], "b": "x"}, None], None, []]
NESTED_VIEW = pa.list_view(
    pa.struct([("a", pa.large_list_view(pa.float32())), ("b", pa.string_view())])
)
VARIANT = pa.struct([("metadata", pa.binary()), ("value", pa.binary())])
VARIANTS = [{"metadata": b"\x01", "value": b"\x0c\x01"}, None, {"metadata": b"", "value": None}]

# By name: the values as one engine has them, and as another has the same
CASES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "nothing": (lambda: pa.nulls(3), lambda: pa.nulls(3, pa.list_(pa.float64()))),
    "bool": (
        lambda: pa.array([True, None, False]),
        lambda: _extension(pa.bool8(), pa.array([1, None, 0], pa.int8())),
    ),
    "int8": (lambda: _int(pa.int8()), lambda: _int(pa.uint64())),
    "int64": (lambda: _int(pa.int64()), lambda: _int(pa.decimal128(38, 0))),
    "uint64": (
        lambda: pa.array([2**63, None, 2**64 - 1], pa.uint64()),
        lambda: pa.array([2**63, None, 2**64 - 1], pa.decimal256(40, 0)),
    ),
    "hugeint": (
        lambda: pa.array([D(2) ** 100, None, -(D(2) ** 100)], pa.decimal128(38, 0)),
        lambda: pa.array([D(2) ** 100, None, -(D(2) ** 100)], pa.decimal256(60, 0)),
    ),
    "float": (lambda: pa.array(FLOATS, pa.float64()), lambda: pa.array(FLOATS, pa.float32())),
    "half": (lambda: pa.array(FLOATS, pa.float16()), lambda: pa.array(FLOATS, pa.float64())),
    "decimal32": (lambda: _decimal(pa.decimal32(9, 2)), lambda: _decimal(pa.decimal64(18, 4))),
    "decimal256": (
        lambda: _decimal(pa.decimal256(70, 10)),
        lambda: _decimal(pa.decimal128(20, 2)),
    ),
    "hundreds": (
        lambda: pa.array([D(100), None, D(200)], pa.decimal128(5, -2)),
        lambda: pa.array([100, None, 200], pa.int16()),
    ),
    "string": (lambda: _text(pa.string()), lambda: _text(pa.string_view())),
    "dictionary": (
        lambda: _text(pa.large_string()),
        # another dictionary in each chunk, as enums and categories have
        lambda: _chunks(
            _text(pa.string())[:1].dictionary_encode(), _text(pa.string())[1:].dictionary_encode()
        ),
    ),
    "dictionary-of-views": (
        lambda: _text(pa.string()),
        lambda: pa.DictionaryArray.from_arrays(
            pa.array([0, None, 1], pa.uint8()),
            pa.array(["é'\n", "x" * 300, "unused"], pa.string_view()),
        ),
    ),
    "dictionary-with-null": (
        lambda: pa.array(["a", None, "a"]),
        lambda: pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["a", None])),
    ),
    "runs": (
        lambda: pa.array(["x", "x", None]),
        lambda: _ends(pa.array(["x", None], pa.string_view()), 2, 3),
    ),
    "binary": (
        lambda: pa.array([b"\x00\xff", None, b"ab"]),
        lambda: pa.array([b"\x00\xff", None, b"ab"], pa.binary_view()),
    ),
    "fixed-binary": (
        lambda: pa.array([b"ab", None, b"cd"], pa.binary(2)),
        lambda: pa.array([b"ab", None, b"cd"], pa.large_binary()),
    ),
    "date": (
        lambda: pa.array([date(1, 1, 1), None, date(9999, 12, 31)]),
        lambda: pa.array([date(1, 1, 1), None, date(9999, 12, 31)], pa.date64()),
    ),
    "date-as-timestamp": (
        lambda: pa.array([date(2024, 2, 29), None, date(1969, 12, 31)]),
        lambda: _time([1_709_164_800 * NS, None, -DAY_S * NS], pa.timestamp("ns")),
    ),
    "far-date": (
        lambda: _time([5_000_000, None, -3_000_000], pa.date32()),
        lambda: _time([5_000_000 * DAY_S, None, -3_000_000 * DAY_S], pa.timestamp("s")),
    ),
    "timestamp": (
        lambda: _time([1, None, -US], pa.timestamp("us")),
        lambda: _time([1000, None, -NS], pa.timestamp("ns", "Europe/Budapest")),
    ),
    "nanoseconds": (
        lambda: _time([1, None, 2**62], pa.timestamp("ns")),
        lambda: _time([1, None, 2**62], pa.timestamp("ns", "UTC")),
    ),
    "far-timestamp": (
        lambda: _time([10**12, None, -(10**12)], pa.timestamp("s")),
        lambda: _time([10**18, None, -(10**18)], pa.timestamp("us", "+02:00")),
    ),
    "infinite-timestamp": (
        lambda: _time([2**63 - 1, None, -(2**63) + 1], pa.timestamp("us")),
        lambda: _time([2**63 - 1, None, -(2**63) + 1], pa.timestamp("us", "UTC")),
    ),
    "time": (
        lambda: _time([1, None, DAY_S - 1], pa.time32("s")),
        lambda: _time([NS, None, (DAY_S - 1) * NS], pa.time64("ns")),
    ),
    "midnight": (
        lambda: _time([DAY_S * US, None, 0], pa.time64("us")),
        lambda: _time([DAY_S * NS, None, 0], pa.time64("ns")),
    ),
    "duration": (
        lambda: _time([1, None, 2**62], pa.duration("ns")),
        lambda: pa.array(
            [(0, 0, 1), None, (0, 2**62 // NS // DAY_S, 2**62 % (DAY_S * NS))],
            pa.month_day_nano_interval(),
        ),
    ),
    "interval": (
        lambda: pa.array([(14, 1, 2), None, (0, 0, -DAY_S * NS)], pa.month_day_nano_interval()),
        lambda: pa.array([(14, 1, 2), None, (0, -1, 0)], pa.month_day_nano_interval()),
    ),
    "list": (
        lambda: pa.array([[1.5, None], None, []], pa.list_(pa.float64())),
        lambda: pa.array([[1.5, None], None, []], pa.list_view(pa.float32())),
    ),
    "fixed-list": (
        lambda: pa.array([[1, None], None, [3, 4]], pa.list_(pa.int8(), 2)),
        lambda: pa.array([[1, None], None, [3, 4]], pa.large_list(pa.int64())),
    ),
    "list-of-dictionary": (
        lambda: pa.array([["a"], None, ["b", "a"]]),
        lambda: pa.ListArray.from_arrays(
            pa.array([0, None, 1, 3], pa.int32()), pa.array(["a", "b", "a"]).dictionary_encode()
        ),
    ),
    "struct": (
        lambda: pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        lambda: pa.array(
            [{"A": 1, "b": "x"}, None, {"A": None, "b": None}],
            pa.struct([("A", pa.int16()), ("b", pa.string_view())]),
        ),
    ),
    "empty-struct": (
        lambda: pa.array([{}, None, {}], pa.struct([])),
        lambda: pa.array([{}, None, {}], pa.struct([])),
    ),
    "map": (
        lambda: pa.array([[("k", 1.5), ("j", None)], None, []], pa.map_(pa.string(), pa.float64())),
        lambda: pa.array(
            [[("j", None), ("k", 1.5)], None, []], pa.map_(pa.large_string(), pa.float32())
        ),
    ),
    "nested": (lambda: pa.array(NESTED), lambda: pa.array(NESTED, NESTED_VIEW)),
    "uuid": (
        lambda: pa.array(
            [
                "00010203-0405-0607-0809-0a0b0c0d0e0f",
                None,
                "00000000-0000-0000-0000-000000000000",
            ]
        ),
        lambda: _extension(pa.uuid(), pa.array(UUIDS, pa.binary(16))),
    ),
    "json": (
        lambda: pa.array(['{"a": 1}', None, "[]"]),
        lambda: pa.array(['{"a": 1}', None, "[]"], pa.json_(pa.string_view())),
    ),
    "variant": (
        lambda: pa.array(VARIANTS, VARIANT),
        lambda: _extension(pa.opaque(VARIANT, "variant", "somebody"), pa.array(VARIANTS, VARIANT)),
    ),
    "union": (lambda: _union("sparse"), lambda: _union("dense")),
}


def table(name: str, *, odd: bool) -> pa.Table:
    """The rows of a case, with their number."""
    values = CASES[name][odd]()
    rows = pa.table({"row": pa.array([1, 2, 3], pa.int32() if odd else pa.int64()), "x": values})
    order = [rows.slice(i, 1) for i in ((2, 0, 1) if odd else (0, 1, 2))]
    return pa.concat_tables(order)


@dataclass(frozen=True)
class NoOptions:
    pass


class PlainlyEngine:
    name, packages = "plainly", ("pyarrow",)
    Options: ClassVar[type] = NoOptions
    unavailable = staticmethod(lambda: None)
    odd = False

    def __init__(self, options: NoOptions) -> None:
        self.settings: dict[str, object] = {}

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}

    def open(self, tables: dict[str, Any]) -> "PlainlyEngine":
        return self

    def execute(self, sql: str) -> pa.Table:
        if "'" not in sql:
            return pa.table({"rows": [1]})  # of the one table there is
        return table(sql.split("'")[1], odd=self.odd)

    def explain(self, sql: str) -> str:
        return sql

    def close(self) -> None:
        pass


class OddlyEngine(PlainlyEngine):
    name = "oddly"
    odd = True
