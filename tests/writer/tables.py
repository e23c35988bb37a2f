"""Tables of every kind that the writer appends to, with what was appended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from neuralake.writer import Writer
from tests.delta.make import File, commit, write_table

UTC = pa.timestamp("us", "UTC")
NTZ = pa.timestamp("us")
MOMENT = dt.datetime(2026, 11, 25, 22, 50, 1, 123456, dt.UTC)
NAN = float("nan")

Case = Callable[[Path], pa.Table]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__.replace("_", " ")] = make
    return make


def append(root: Path, *batches: pa.Table) -> pa.Table:
    """Append batches one after another; returns them together."""
    with Writer(str(root), "tests") as writer:
        for sequence, batch in enumerate(batches):
            writer.append(batch, sequence=sequence)
    return pa.concat_tables(batches)


SCALARS = pa.schema(
    [
        ("id", pa.int64()),
        ("i8", pa.int8()),
        ("i16", pa.int16()),
        ("i32", pa.int32()),
        ("f32", pa.float32()),
        ("f64", pa.float64()),
        ("yes", pa.bool_()),
        ("text", pa.string()),
        ("raw", pa.binary()),
        ("money", pa.decimal128(38, 10)),
        ("small", pa.decimal128(5, 2)),
        ("day", pa.date32()),
        ("z", UTC),
    ]
)


def scalars(first: int) -> pa.Table:
    far = dt.datetime(9999, 12, 31, 23, 59, 59, 999999, dt.UTC)
    one = {
        "id": first, "i8": -128, "i16": 32767, "i32": -(2**31), "f32": 1.5, "f64": -0.1,
        "yes": True, "text": "é \U0001f600 'quote' \n" * 4, "raw": b"\x00\xff",
        "day": dt.date(1, 1, 1),
        "money": Decimal("1234567890123456789012345678.0123456789"), "small": Decimal("-999.99"),
        "z": MOMENT,
    }  # fmt: skip
    two = {**one, "id": first + 1, "yes": False, "text": "", "z": far, "day": dt.date(9999, 12, 31)}
    nothing = {"id": first + 2}
    return pa.Table.from_pylist([one, two, nothing], SCALARS)


@case
def every_type(root: Path) -> pa.Table:
    write_table(root, SCALARS, [])
    return append(root, scalars(0), scalars(3), scalars(6).slice(2))


@case
def without_a_row(root: Path) -> pa.Table:
    write_table(root, SCALARS, [])
    return append(root, scalars(0).slice(0, 0))


@case
def floats_with_nan(root: Path) -> pa.Table:
    kind = pa.schema([("id", pa.int64()), ("f", pa.float64()), ("g", pa.float32())])
    write_table(root, kind, [])
    first = pa.table({"id": [1, 2], "f": [NAN, 1.0], "g": [2.0, float("inf")]}, kind)
    return append(root, first, pa.table({"id": [3], "f": [NAN], "g": [NAN]}, kind))


@case
def nested(root: Path) -> pa.Table:
    inner = pa.struct([("a", pa.int64()), ("b.c", pa.list_(pa.string()))])
    kind = pa.schema([("id", pa.int64()), ("s", inner), ("l", pa.list_(inner)),
                      ("m", pa.map_(pa.string(), inner))])  # fmt: skip
    write_table(root, kind, [])
    value = {"a": 1, "b.c": ["x", None]}
    rows = [
        {"id": 1, "s": value, "l": [value, None], "m": [("k", value)]},
        {"id": 2, "s": None, "l": [], "m": []},
        {"id": 3, "s": {"a": None, "b.c": []}, "l": None, "m": None},
    ]
    return append(root, pa.Table.from_pylist(rows, kind), pa.Table.from_pylist(rows[1:], kind))


@case
def times_without_a_zone(root: Path) -> pa.Table:
    kind = pa.schema([("id", pa.int64()), ("t", NTZ)])
    write_table(root, kind, [], features=["timestampNtz"])
    moments = [MOMENT.replace(tzinfo=None), dt.datetime.fromisoformat("0001-01-01"), None]
    return append(root, pa.table({"id": [1, 2, 3], "t": moments}, kind))


@case
def columns_that_may_not_be_null(root: Path) -> pa.Table:
    kind = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("t", pa.string())])
    write_table(root, kind, [])
    return append(root, pa.table({"id": [1, 2], "t": ["x", None]}, kind))


@case
def names_of_every_kind(root: Path) -> pa.Table:
    kind = pa.schema([("Order Id", pa.int64()), ("a.b", pa.int64()), ("größe", pa.string())])
    physical = {"Order Id": "col-1", "a.b": "col-2", "größe": "col-3"}
    write_table(root, kind, [], physical=physical)
    return append(root, pa.table({"Order Id": [1, 2], "a.b": [3, 4], "größe": ["x", None]}, kind))


def _partitioned(root: Path, values: pa.Array) -> pa.Table:
    kind = pa.schema([("id", pa.int64()), ("k", values.type)])
    ntz = pa.types.is_timestamp(values.type) and values.type.tz is None
    features = ["timestampNtz"] if ntz else []
    write_table(root, kind, [], partition_by=["k"], features=features)
    batch = pa.table({"id": list(range(len(values))), "k": values}, kind)
    return append(root, batch, batch.take(list(range(len(values)))[::-1]))


@case
def partitions_of_text(root: Path) -> pa.Table:
    texts = ["a", "b c", "k=v", "a/b", "100%", "é:ü", "a", None, "[x]", "#", "%2F", "+", "'", '"',
             "ü" * 126]  # fmt: skip
    return _partitioned(root, pa.array(texts))


@case
def partitions_of_integers(root: Path) -> pa.Table:
    return _partitioned(root, pa.array([3, None, -1, 3], pa.int32()))


@case
def partitions_of_days(root: Path) -> pa.Table:
    return _partitioned(root, pa.array([MOMENT.date(), None, dt.date(1970, 1, 1)]))


@case
def partitions_of_moments(root: Path) -> pa.Table:
    whole = MOMENT.replace(microsecond=0)
    return _partitioned(root, pa.array([MOMENT, whole, None, MOMENT], UTC))


@case
def partitions_of_wall_clocks(root: Path) -> pa.Table:
    return _partitioned(root, pa.array([MOMENT.replace(tzinfo=None), None], NTZ))


@case
def partitions_of_decimals(root: Path) -> pa.Table:
    return _partitioned(
        root, pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(9, 2))
    )


@case
def partitions_of_booleans(root: Path) -> pa.Table:
    return _partitioned(root, pa.array([True, False, None]))


@case
def partitions_by_two_columns(root: Path) -> pa.Table:
    kind = pa.schema([("k", pa.string()), ("id", pa.int64()), ("n", pa.int32())])
    write_table(root, kind, [], partition_by=["n", "k"])
    rows = {"k": ["a", "b", None, "a"], "id": [1, 2, 3, 4], "n": [1, 1, None, 1]}
    return append(root, pa.table(rows, kind))


def _mapped(root: Path, mode: str) -> pa.Table:
    inner = pa.struct([("x", pa.int64()), ("y", pa.string())])
    kind = pa.schema([("id", pa.int64()), ("k", pa.string()), ("s", inner), ("l", pa.list_(inner)),
                      ("m", pa.map_(pa.string(), inner))])  # fmt: skip
    names = ("id", "k", "s", "s.x", "s.y", "l", "l.x", "l.y", "m", "m.x", "m.y")
    physical = {name: f"col-{number}" for number, name in enumerate(names)}
    mode_set = {"delta.columnMapping.mode": mode}
    write_table(root, kind, [], partition_by=["k"], physical=physical, configuration=mode_set)
    value = {"x": 1, "y": "z"}
    rows = [
        {"id": 1, "k": "a", "s": value, "l": [value, None], "m": [("q", value)]},
        {"id": 2, "k": None, "s": None, "l": None, "m": None},
    ]
    return append(root, pa.Table.from_pylist(rows, kind), pa.Table.from_pylist(rows[:1], kind))


@case
def columns_mapped_by_name(root: Path) -> pa.Table:
    return _mapped(root, "name")


@case
def columns_mapped_by_id(root: Path) -> pa.Table:
    return _mapped(root, "id")


@case
def deletion_vectors_present(root: Path) -> pa.Table:
    kind = pa.schema([("id", pa.int64())])
    old = pa.table({"id": [1, 2, 3]}, kind)
    write_table(root, kind, [File(old, "old.parquet", deleted=[1])], features=["deletionVectors"])
    new = append(root, pa.table({"id": [4, 5]}, kind))
    return pa.concat_tables([old.take([0, 2]), new])


@case
def writer_features(root: Path) -> pa.Table:
    kind = pa.schema([("id", pa.int64()), ("t", pa.string())])
    write_table(
        *(root, kind, []),
        writer_features=["appendOnly", "invariants", "checkConstraints", "inCommitTimestamp"],
        configuration={
            "delta.appendOnly": "true",
            "delta.constraints.few": "id < 100",
            "delta.enableInCommitTimestamps": "true",
        },
    )
    entry = {"commitInfo": {"inCommitTimestamp": 4_000_000_000_000, "operation": "NONE"}}
    commit(root, 1, {**entry})
    return append(root, pa.table({"id": [1], "t": ["x"]}, kind), pa.table({"id": [2], "t": ["y"]}))


@case
def change_data_feed(root: Path) -> pa.Table:
    kind = pa.schema([("id", pa.int64())])
    enabled = {"delta.enableChangeDataFeed": "true"}
    write_table(root, kind, [], writer_features=["changeDataFeed"], configuration=enabled)
    return append(root, pa.table({"id": [1, 2]}, kind))


@case
def text_that_repeats_and_that_does_not(root: Path) -> pa.Table:
    schema = pa.schema([("id", pa.int64()), ("device", pa.string()), ("message", pa.string())])
    write_table(root, schema, [])
    messages = [
        None if i % 50 == 7 else f"{'é' * (i % 5)}{i:05d}"[: i % 9] + str(i) for i in range(400)
    ]
    devices = [None if i % 40 == 3 else ("", "rig-7", "naïve")[i % 3] for i in range(400)]
    return append(root, pa.table([list(range(400)), devices, messages], schema))
