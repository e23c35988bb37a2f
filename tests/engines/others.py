"""Tables as other people have them: ways in which an engine may read other rows than there are."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Context, Decimal
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from tests.delta.make import File, actions, commit, deletion_vector, write_table

Case = tuple[Table, pa.Table]
UTC = pa.timestamp("us", "UTC")
WIDE = Context(prec=40)
# Outside of what nanoseconds since 1970 can tell
FAR = [None] + [
    dt.datetime.fromisoformat(text)
    for text in ("0001-01-01", "2024-02-29 12:34:56.123456", "9999-12-31 23:59:59.999999")
]


def delta(root: Path) -> DeltaTable:
    return DeltaTable(name="t", location=str(root))


def parquet(place: Path) -> ParquetTable:
    return ParquetTable(name="t", location=str(place))


def of(rows: list[int]) -> pa.Table:
    return pa.table({"id": pa.array(rows, pa.int64())})


def partitioned_then_not(root: Path) -> Case:
    first = pa.table({"id": [1, 2, 3], "k": ["a", "b", "a"]})
    deltalake.write_deltalake(str(root), first, partition_by=["k"])
    now = pa.table({"id": [4, 5, 6], "k": ["c", "c", "c"]})
    deltalake.write_deltalake(
        str(root), now, mode="overwrite", schema_mode="overwrite", partition_by=[]
    )
    more = pa.table({"id": [7, 8, 9], "k": ["d", "d", "d"]})
    deltalake.write_deltalake(str(root), more, mode="append")
    return delta(root), pa.concat_tables([now, more])


def columns_in_another_order(root: Path) -> Case:
    root.mkdir()
    rows = [pa.table({"a": [1], "b": [100]}), pa.table({"b": [200], "a": [2]})]
    for number, part in enumerate(rows):
        pq.write_table(part, root / f"{'ab'[number]}.parquet")
    pq.write_table(pa.table({"z": [0]}), root / "[ab].parquet.txt")
    (root / "more").mkdir()
    pq.write_table(pa.table({"a": [3], "b": [300]}), root / "more" / "[ab].parquet")
    everything = pa.table({"a": [1, 2, 3], "b": [100, 200, 300]})
    return parquet(root), everything


def a_name_that_is_a_pattern(root: Path) -> Case:
    root.mkdir()
    pq.write_table(of([1]), root / "o[1].parquet")
    pq.write_table(of([99]), root / "o1.parquet")
    return parquet(root / "o[1].parquet"), of([1])


def names_that_are_patterns(root: Path) -> Case:
    root.mkdir()
    for number, name in enumerate(["o[1].parquet", "o1.parquet", "{o,p}.parquet", "a*?.parquet"]):
        pq.write_table(of([number]), root / name)
    return parquet(root), of([0, 1, 2, 3])


def a_directory_that_is_a_pattern(root: Path) -> Case:
    directory = root / "Sales [2024] {a,b} *"
    deltalake.write_deltalake(str(root / "plain"), of([1, 2]))
    deltalake.write_deltalake(str(root / "plain"), of([3]), mode="append")
    (root / "plain").rename(directory)
    return delta(directory), of([1, 2, 3])


def files_beside_those_of_the_snapshot(root: Path) -> Case:
    deltalake.write_deltalake(str(root), of([1, 2]))
    deltalake.write_deltalake(str(root), of([3]), mode="append")
    pq.write_table(of([99]), root / "not-committed.parquet")
    (root / "k=v").mkdir()
    pq.write_table(of([98]), root / "k=v" / "old.parquet")
    return delta(root), of([1, 2, 3])


def one_type_in_three_encodings(root: Path) -> Case:
    kinds = (pa.string(), pa.large_string(), pa.string_view())
    for number, kind in enumerate(kinds):
        part = pa.table({"id": [number], "s": pa.array([f"s{number}"], kind)})
        deltalake.write_deltalake(str(root), part, mode="append")
    return delta(root), pa.table({"id": [0, 1, 2], "s": ["s0", "s1", "s2"]})


def maps_with_entries_of_other_names(root: Path) -> Case:
    """As deltalake writes them into one table, by how many rows there are."""
    values = [[("k", 1)], None]
    schema = pa.schema([("m", pa.map_(pa.string(), pa.int64()))])
    rows = pa.table([pa.array(values, schema[0].type)], schema=schema)
    write_table(root, schema, [File(rows, "a.parquet")])
    deltalake.write_deltalake(str(root), rows, mode="append")
    return delta(root), pa.concat_tables([rows, rows])


def a_file_with_nulls_alone(root: Path) -> Case:
    root.mkdir()
    rows = [pa.table({"id": pa.array(ids, pa.int32())}) for ids in ([None], [5, -7, 1], [5])]
    for number, part in enumerate(rows):
        pq.write_table(part, root / f"{number}.parquet")
    return parquet(root), pa.concat_tables(rows)


def dictionaries_in_one_file(root: Path) -> Case:
    root.mkdir()
    pq.write_table(pa.table({"s": ["x", "y"]}), root / "a.parquet")
    pq.write_table(pa.table({"s": pa.array(["z", "x"]).dictionary_encode()}), root / "b.parquet")
    return parquet(root), pa.table({"s": ["x", "x", "y", "z"]})


def values_in_the_log_and_not_in_the_path(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("k", pa.string()), ("d", pa.date32())])
    files = [
        File(of([1, 2]), "9f/one.parquet", {"k": "a b/c=d%", "d": "2024-02-29"}),
        File(of([3]), "k=wrong/two.parquet", {"k": None, "d": None}),
        File(of([4]), "three.parquet", {"k": "e", "d": "1999-12-31"}),
    ]
    write_table(root, schema, files, partition_by=["k", "d"])
    days = [dt.date(2024, 2, 29)] * 2 + [None, dt.date(1999, 12, 31)]
    values = ["a b/c=d%", "a b/c=d%", None, "e"]
    return delta(root), pa.table([pa.array([1, 2, 3, 4]), values, days], schema=schema)


def empty_partition_values(root: Path) -> Case:
    """Which are null (Delta protocol, "Partition Value Serialization")."""
    schema = pa.schema([("id", pa.int64()), ("k", pa.string())])
    write_table(root, schema, [File(of([1]), "k=/a.parquet", {"k": ""})], partition_by=["k"])
    return delta(root), pa.table({"id": [1], "k": pa.array([None], pa.string())})


def partitions_with_a_struct_of_which_little_is_told(root: Path) -> Case:
    """The log has no least binary, list or boolean."""
    kinds = [("x", pa.float32()), ("y", pa.binary()), ("z", pa.struct([("l", pa.list_(UTC))]))]
    schema = pa.schema([("s", pa.struct(kinds)), ("k", pa.int32())])
    values = [{"x": 1.5, "y": b"\x01", "z": {"l": []}}, {"x": None, "y": None, "z": None}, None]
    rows = pa.table([pa.array(values, schema[0].type), [1, 1, 2]], schema=schema)
    deltalake.write_deltalake(str(root), rows, partition_by=["k"])
    return delta(root), rows


def an_empty_partition_value_beside_a_null(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("k", pa.string()), ("y", pa.bool_())])
    place = "k=/y=__HIVE_DEFAULT_PARTITION__/a.parquet"
    files = [File(of([1]), place, {"k": "", "y": None})]
    write_table(root, schema, files, partition_by=["k", "y"])
    return delta(root), pa.table([[1], [None], [None]], schema=schema)


def one_text_and_nulls(root: Path) -> Case:
    """Plain, as Spark writes a text that is there once."""
    root.mkdir()
    kinds = {"s": pa.string(), "b": pa.binary(), "f": pa.binary(2)}
    values = {"s": ["ab", "ab", None], "b": [b"ab", None, None], "f": [None, b"ab", b"ab"]}
    arrays = {n: pa.array(found, kinds[n]) for n, found in values.items()}
    struct = pa.StructArray.from_arrays([arrays["s"]], ["f"])
    rows = pa.table({**arrays, "x": struct})
    pq.write_table(rows, root / "a.parquet", use_dictionary=False)
    return parquet(root), rows


def one_text_and_nulls_in_partitions(root: Path) -> Case:
    schema = pa.schema([("s", pa.string()), ("k", pa.int32())])
    stored = pa.table({"s": ["ab", None]})
    file = File(stored, "a.parquet", {"k": "1"}, dictionaries=False)
    write_table(root, schema, [file], partition_by=["k"])
    return delta(root), pa.table([["ab", None], [1, 1]], schema=schema)


def decimals_that_the_log_rounds(root: Path) -> Case:
    """As deltalake 1.6 writes statistics: by way of a double, whole ones of 64-bit integers."""
    kinds = {"c": pa.decimal128(18, 8), "d": pa.decimal128(38, 0), "e": pa.decimal128(38, 38)}
    first = [Decimal("1234567890.12345678"), Decimal(0)]
    most = Decimal((0, (9,) * 38, 0))
    columns = {"c": first, "d": [most, Decimal(0)], "e": [most.scaleb(-38, WIDE), Decimal(0)]}
    arrays = {n: pa.array(values, kinds[n]) for n, values in columns.items()}
    struct = pa.StructArray.from_arrays([arrays["c"]], ["f"])
    rows = pa.table({**arrays, "s": struct, "k": pa.array([1, 1], pa.int64())})
    deltalake.write_deltalake(str(root), rows, partition_by=["k"])
    return delta(root), rows


def partitions_of_every_type(root: Path) -> Case:
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("b", pa.binary()),
            ("x", pa.float64()),
            ("c", pa.decimal128(10, 2)),
            ("y", pa.bool_()),
            ("ts", UTC),
            ("n", pa.timestamp("us")),
        ]
    )
    values: dict[str, str | None] = {
        "b": "\u0001hi",
        "x": "NaN",
        "c": "12.30",
        "y": "true",
        "ts": "2024-01-02 03:04:05.000006",
        "n": "2024-01-02 03:04:05.000006",
    }
    files = [
        File(of([1]), "a.parquet", values),
        File(of([2]), "b.parquet", dict.fromkeys(values)),
    ]
    write_table(root, schema, files, partition_by=list(values), features=["timestampNtz"])
    time = dt.datetime.fromisoformat(values["n"] or "")
    known = [b"\x01hi", math.nan, Decimal("12.30"), True, time.replace(tzinfo=dt.UTC), time]
    columns = [[1, 2], *([value, None] for value in known)]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return delta(root), pa.table(arrays, schema=schema)


def times_of_old(root: Path) -> Case:
    rows = pa.table({"id": [1, 2, 3, 4], "ts": pa.array(FAR, UTC)})
    stored = rows.set_column(1, "ts", pa.array(FAR, pa.timestamp("us")))
    write_table(root, rows.schema, [File(stored, "a.parquet", int96=True)])
    return delta(root), rows


def times_of_old_within(root: Path) -> Case:
    schema = pa.schema(
        [
            ("l", pa.list_(UTC)),
            ("s", pa.struct([("t", UTC)])),
            ("m", pa.map_(pa.string(), UTC)),
        ]
    )
    plain = pa.timestamp("us")
    stored = pa.table(
        {
            "l": pa.array([[t] for t in FAR], pa.list_(plain)),
            "s": pa.array([{"t": t} for t in FAR], pa.struct([("t", plain)])),
            "m": pa.array([[("k", t)] for t in FAR], pa.map_(pa.string(), plain)),
        }
    )
    write_table(root, schema, [File(stored, "a.parquet", int96=True)])
    return delta(root), stored.cast(schema)


def times_of_old_in_plain_parquet(root: Path) -> Case:
    root.mkdir()
    rows = pa.table({"ts": pa.array(FAR, pa.timestamp("us"))})
    pq.write_table(rows, root / "a.parquet", use_deprecated_int96_timestamps=True)
    return parquet(root), rows


def deleted_rows(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("x", pa.float64())])
    part = pa.table({"id": [1, 2, 3, 4], "x": [1.0, math.nan, -0.0, 0.5]})
    files = [File(part, "a.parquet", deleted=[0, 3]), File(part, "b.parquet")]
    write_table(root, schema, files, features=["deletionVectors"])
    return delta(root), pa.concat_tables([part.slice(1, 2), part])


def every_row_deleted(root: Path) -> Case:
    write_table(
        root,
        of([]).schema,
        [File(of([1, 2]), "a.parquet", deleted=[0, 1])],
        features=["deletionVectors"],
    )
    return delta(root), of([])


def deleted_rows_of_partitions(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("k", pa.int32())])
    files = [
        File(of([1, 2]), "a.parquet", {"k": "1"}, deleted=[1]),
        File(of([3, 4]), "b.parquet", {"k": "2"}),
    ]
    write_table(root, schema, files, partition_by=["k"], features=["deletionVectors"])
    return delta(root), pa.table({"id": [1, 3, 4], "k": pa.array([1, 2, 2], pa.int32())})


def renamed_columns(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("a b", pa.string()), ("k", pa.int32())])
    physical = {"id": "col-1", "a b": "col-2", "k": "col-3"}
    stored = pa.table({"col-2": ["x", "y"], "col-1": [1, 2]})
    older = pa.table({"col-1": [3], "col-9": ["dropped"]})
    files = [
        File(stored, "a.parquet", {"col-3": "7"}),
        File(older, "b.parquet", {"col-3": None}),
    ]
    write_table(root, schema, files, partition_by=["k"], physical=physical)
    rows = pa.table([[1, 2, 3], ["x", "y", None], [7, 7, None]], names=schema.names)
    return delta(root), rows.cast(schema)


def renamed_columns_within(root: Path) -> Case:
    schema = pa.schema([("s", pa.struct([("x", pa.int64()), ("y", pa.string())]))])
    physical = {"s": "col-1", "s.x": "col-2", "s.y": "col-3"}
    kind = pa.struct([("col-3", pa.string()), ("col-2", pa.int64())])
    stored = pa.table({"col-1": pa.array([{"col-3": "a", "col-2": 1}, None], kind)})
    write_table(root, schema, [File(stored, "a.parquet")], physical=physical)
    return delta(root), pa.table({"s": pa.array([{"x": 1, "y": "a"}, None], schema[0].type)})


def columns_found_by_id(root: Path) -> Case:
    """Under names that neither the table nor its log knows, as of a converted table."""
    schema = pa.schema([("id", pa.int64()), ("s", pa.string())])

    def numbered(name: str, kind: pa.DataType, number: int) -> pa.Field:
        return pa.field(name, kind, metadata={b"PARQUET:field_id": str(number).encode()})

    names = pa.schema([numbered("x", pa.string(), 2), numbered("y", pa.int64(), 1)])
    older = pa.schema([numbered("z", pa.int64(), 1)])
    files = [
        File(pa.table([["a", None], [1, 2]], schema=names), "a.parquet"),
        File(pa.table([[3]], schema=older), "b.parquet"),
    ]
    by_id = {"delta.columnMapping.mode": "id"}
    physical = {"id": "col-1", "s": "col-2"}
    write_table(root, schema, files, physical=physical, configuration=by_id)
    return delta(root), pa.table([[1, 2, 3], ["a", None, None]], schema=schema)


def partitions_below_a_directory_like_one(root: Path) -> Case:
    rows = pa.table({"id": [1, 2], "k": ["a", "b"]})
    deltalake.write_deltalake(str(root / "k=z" / "n=1"), rows, partition_by=["k"])
    return delta(root / "k=z" / "n=1"), rows


def times_of_old_in_a_column_with_a_dot(root: Path) -> Case:
    root.mkdir()
    rows = pa.table({"a": range(len(FAR)), "a.b": pa.array(FAR, pa.timestamp("us"))})
    pq.write_table(rows, root / "a.parquet", use_deprecated_int96_timestamps=True)
    return parquet(root), rows


def moments_of_another_zone(root: Path) -> Case:
    """Late in the evening in UTC, it is the next day there."""
    root.mkdir()
    at = [dt.datetime(2026, 5, 1, 22, 30, tzinfo=dt.UTC), None]
    rows = pa.table({"at": pa.array(at, UTC), "id": [1, 2]})
    zoned = pa.schema([("at", pa.timestamp("us", "Europe/Budapest")), ("id", pa.int64())])
    pq.write_table(rows.cast(zoned), root / "a.parquet")
    return parquet(root), rows


def wider_types(root: Path) -> Case:
    schema = pa.schema([("a", pa.int64()), ("c", pa.decimal128(12, 4)), ("x", pa.float64())])
    narrow = pa.table(
        {
            "a": pa.array([1, None], pa.int16()),
            "c": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
            "x": pa.array([0.5, None], pa.float32()),
        }
    )
    wide = pa.table([[2**40], [Decimal("1.2345")], [0.1]], schema=schema)
    write_table(
        root,
        schema,
        [File(narrow, "a.parquet"), File(wide, "b.parquet")],
        features=["typeWidening"],
        configuration={"delta.enableTypeWidening": "true"},
    )
    return delta(root), pa.concat_tables([narrow.cast(schema), wide])


def names_in_another_case(root: Path) -> Case:
    """As files have them that were there before the table was."""
    schema = pa.schema([("ID", pa.int64()), ("Name", pa.string())])
    parts = [pa.table({name: [1, 2], "name": ["x", None]}) for name in ("id", "ID")]
    write_table(root, schema, [File(part, f"{i}.parquet") for i, part in enumerate(parts)])
    return delta(root), pa.table({"ID": [1, 2, 1, 2], "Name": ["x", None, "x", None]})


def columns_that_came_later(root: Path) -> Case:
    deltalake.write_deltalake(str(root), of([1, 2]))
    later = pa.table({"id": [3], "s": ["new"], "x": [0.5]})
    deltalake.write_deltalake(str(root), later, mode="append", schema_mode="merge")
    return delta(root), pa.table(
        {"id": [1, 2, 3], "s": [None, None, "new"], "x": [None, None, 0.5]}
    )


def fields_that_came_later(root: Path) -> Case:
    schema = pa.schema([("s", pa.struct([("x", pa.int64()), ("y", pa.string())]))])
    older = pa.table({"s": pa.array([{"x": 1}], pa.struct([("x", pa.int64())]))})
    newer = pa.table({"s": pa.array([{"x": 2, "y": "b"}], schema[0].type)})
    write_table(root, schema, [File(older, "a.parquet"), File(newer, "b.parquet")])
    return delta(root), pa.table(
        {"s": pa.array([{"x": 1, "y": None}, {"x": 2, "y": "b"}], schema[0].type)}
    )


def a_shallow_clone(root: Path) -> Case:
    origin = root / "the origin"
    deltalake.write_deltalake(str(root / "origin"), of([1, 2]))
    (root / "origin").rename(origin)
    (add,) = [a["add"] for a in actions(origin, 0) if "add" in a]
    clone = root / "clone"
    write_table(clone, of([]).schema, [File(of([3]), "own.parquet")])
    commit(
        clone, 1, {"add": add | {"path": f"file:{str(origin).replace(' ', '%20')}/{add['path']}"}}
    )
    return delta(clone), of([1, 2, 3])


def a_file_removed_under_another_spelling(root: Path) -> Case:
    write_table(
        root, of([]).schema, [File(of([1]), "kept.parquet"), File(of([2]), f"{root}/gone.parquet")]
    )
    remove = {"path": f"file://{root}/gone.parquet", "deletionTimestamp": 1, "dataChange": True}
    commit(root, 1, {"remove": remove})
    return delta(root), of([1])


def a_partition_removed_under_another_spelling(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("k", pa.string())])
    files = [
        File(of([1]), "k=a/kept.parquet", {"k": "a"}),
        File(of([2]), f"{root}/k=a/gone.parquet", {"k": "a"}),
        File(of([3]), f"{root}/k=b/here.parquet", {"k": "b"}),
    ]
    write_table(root, schema, files, partition_by=["k"])
    gone = {"path": f"file://{root}/k=a/gone.parquet", "deletionTimestamp": 1, "dataChange": True}
    commit(root, 1, {"remove": gone})
    return delta(root), pa.table([[1, 3], ["a", "b"]], schema=schema)


def features_that_change_no_row(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("k", pa.string())])
    write_table(
        root,
        schema,
        [File(of([1]), "a.parquet", {"k": "a"})],
        partition_by=["k"],
        features=["vacuumProtocolCheck", "v2Checkpoint", "timestampNtz", "deletionVectors"],
    )
    return delta(root), pa.table({"id": [1], "k": ["a"]})


def deleted_rows_beside_another_feature(root: Path) -> Case:
    """Of which deltalake hands out no deletion vectors; the second has taken the first's place."""
    schema = pa.schema([("id", pa.int64()), ("k", pa.string())])
    part = of([1, 2, 3, 4])
    files = [
        File(part, "k=a b/a.parquet", {"k": "a b"}, deleted=[0]),
        File(part, "k=c/c.parquet", {"k": "c"}, deleted=[3]),
    ]
    features = ["vacuumProtocolCheck", "deletionVectors"]
    write_table(root, schema, files, partition_by=["k"], features=features)
    (before, *_) = [a["add"] for a in actions(root, 0) if "add" in a]
    remove = {**before, "deletionTimestamp": 1, "extendedFileMetadata": True}
    add = {**before, "deletionVector": deletion_vector(0, 2)}
    for name in ("modificationTime", "stats"):
        remove.pop(name)
    commit(root, 1, {"add": add}, {"remove": remove})
    rows = [[2, 4, 1, 2, 3], ["a b", "a b", "c", "c", "c"]]
    return delta(root), pa.table(rows, schema=schema)


def no_rows(root: Path) -> Case:
    schema = pa.schema([("id", pa.int64()), ("s", pa.string()), ("k", pa.int32())])
    write_table(root, schema, [], partition_by=["k"])
    return delta(root), schema.empty_table()


def unsigned_numbers(root: Path) -> Case:
    root.mkdir()
    kinds = (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    rows = pa.table({str(k): pa.array([2**k.bit_width - 1, None, 0], k) for k in kinds})
    pq.write_table(rows, root / "a.parquet")
    return parquet(root), rows


def enums_of_polars(root: Path) -> Case:
    root.mkdir()
    enum = pl.Enum(["x", "y"])
    rows = {
        "e": pl.Series(["x", None, "y"], dtype=enum),
        "s": pl.Series([{"e": "y"}, None, {"e": None}], dtype=pl.Struct({"e": enum})),
    }
    pl.DataFrame(rows).write_parquet(root / "a.parquet")
    kinds = [("e", pa.string()), ("s", pa.struct([("e", pa.string())]))]
    values = [["x", None, "y"], [{"e": "y"}, None, {"e": None}]]
    return parquet(root), pa.table(values, schema=pa.schema(kinds))


def enums_of_polars_in_delta(root: Path) -> Case:
    stored = pl.Series(["x", None, "y"], dtype=pl.Enum(["x", "y"])).to_frame("e").to_arrow()
    schema = pa.schema([("e", pa.string())])
    write_table(root, schema, [File(stored, "a.parquet")])
    return delta(root), pa.table([["x", None, "y"]], schema=schema)


def durations_in_seconds(root: Path) -> Case:
    """Which Parquet has as numbers, in milliseconds."""
    rows = pa.table({"d": pa.array([90, None, -1], pa.duration("s"))})
    root.mkdir()
    pq.write_table(rows, root / "a.parquet")
    return parquet(root), rows


CASES: dict[str, Callable[[Path], Case]] = {
    make.__name__.replace("_", " "): make
    for make in (
        partitioned_then_not,
        columns_in_another_order,
        a_name_that_is_a_pattern,
        names_that_are_patterns,
        a_directory_that_is_a_pattern,
        files_beside_those_of_the_snapshot,
        one_type_in_three_encodings,
        maps_with_entries_of_other_names,
        a_file_with_nulls_alone,
        dictionaries_in_one_file,
        values_in_the_log_and_not_in_the_path,
        empty_partition_values,
        partitions_with_a_struct_of_which_little_is_told,
        an_empty_partition_value_beside_a_null,
        one_text_and_nulls,
        one_text_and_nulls_in_partitions,
        decimals_that_the_log_rounds,
        partitions_of_every_type,
        times_of_old,
        times_of_old_within,
        times_of_old_in_plain_parquet,
        deleted_rows,
        every_row_deleted,
        deleted_rows_of_partitions,
        renamed_columns,
        renamed_columns_within,
        columns_found_by_id,
        partitions_below_a_directory_like_one,
        times_of_old_in_a_column_with_a_dot,
        moments_of_another_zone,
        wider_types,
        names_in_another_case,
        columns_that_came_later,
        fields_that_came_later,
        a_shallow_clone,
        a_file_removed_under_another_spelling,
        a_partition_removed_under_another_spelling,
        features_that_change_no_row,
        deleted_rows_beside_another_feature,
        no_rows,
        unsigned_numbers,
        enums_of_polars,
        enums_of_polars_in_delta,
        durations_in_seconds,
    )
}
