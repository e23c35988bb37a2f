"""A table in memory has the rows that its log says, whatever is committed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.live_file import LiveFile
from neuralake.serving.answers import UnavailableError
from neuralake.serving.following import Following
from neuralake.serving.hot import HotTable, UnsuitedError
from neuralake.serving.prepared import Mixed, make_context
from neuralake.writer import Compactor, Packing, Writer
from tests.delta.make import File, commit, write_table

MIB = 1 << 20
LOTS = 1 << 30


def rows(start: int, count: int = 10) -> pa.Table:
    numbers = range(start, start + count)
    return pa.table({"id": pa.array(numbers, pa.int64()), "name": [f"row {i}" for i in numbers]})


def read(hot: HotTable) -> pa.Table:
    """All rows through the engine, in order."""
    context = make_context(1, 256 * MIB)
    source = hot.snapshot().source
    source.register(context, "t")
    found = context.sql("SELECT * FROM t").to_arrow_table()
    return found.sort_by("id")


def told(place: Path) -> pa.Table:
    """The rows as the catalog reads them."""
    table = DeltaTable(name="t", location=str(place))
    return table.lazy().collect().to_arrow().cast(table.arrow_schema()).sort_by("id")


def with_checkpoint(place: str) -> None:
    deltalake.write_deltalake(place, rows(20), mode="append")
    deltalake.DeltaTable(place).create_checkpoint()
    deltalake.DeltaTable(place).cleanup_metadata()


def replaced(place: str) -> None:
    shutil.rmtree(place)
    deltalake.write_deltalake(place, rows(7, 3))


CHANGES: dict[str, Callable[[str], object]] = {
    "append": lambda place: deltalake.write_deltalake(place, rows(100), mode="append"),
    "many appends": lambda place: [
        deltalake.write_deltalake(place, rows(1000 + 10 * i), mode="append") for i in range(10)
    ],
    "overwrite": lambda place: deltalake.write_deltalake(place, rows(5), mode="overwrite"),
    "delete": lambda place: deltalake.DeltaTable(place).delete("id % 2 = 0"),
    "delete all": lambda place: deltalake.DeltaTable(place).delete(),
    "update": lambda place: deltalake.DeltaTable(place).update({"name": "'x'"}, predicate="id > 7"),
    "compaction": lambda place: (
        deltalake.write_deltalake(place, rows(20), mode="append"),
        deltalake.DeltaTable(place).optimize.compact(),
    ),
    "vacuum": lambda place: (
        deltalake.write_deltalake(place, rows(5), mode="overwrite"),
        deltalake.DeltaTable(place).vacuum(0, dry_run=False, enforce_retention_duration=False),
    ),
    "checkpoint": with_checkpoint,
    "another column": lambda place: deltalake.write_deltalake(
        place,
        rows(30).append_column("more", pa.array([1.5] * 10)),
        mode="append",
        schema_mode="merge",
    ),
    "other columns": lambda place: deltalake.write_deltalake(
        place, pa.table({"id": [1], "other": [True]}), mode="overwrite", schema_mode="overwrite"
    ),
    "another table": replaced,
    "nothing": lambda place: (),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("large_bytes", [LOTS, 1], ids=["in memory", "in files"])
def test_it_follows(tmp_path: Path, change: str, large_bytes: int) -> None:
    place = tmp_path / "t"
    deltalake.write_deltalake(place, rows(0))
    deltalake.write_deltalake(place, rows(10), mode="append")
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS, large_bytes)
    for _ in range(2):
        CHANGES[change](str(place))
        assert read(hot) == told(place)
        assert hot.version == deltalake.DeltaTable(place).version()
    while hot.read_one_more():
        pass
    assert not isinstance(hot.snapshot().source, Mixed)
    assert read(hot) == told(place)


@pytest.mark.parametrize("large_bytes", [LOTS, 1], ids=["in memory", "in files"])
def test_deleted_rows_and_values_of_partitions_are_those_of_the_log(
    tmp_path: Path, large_bytes: int
) -> None:
    schema = pa.schema([("id", pa.int64()), ("day", pa.date32()), ("x", pa.decimal128(9, 2))])
    stored = pa.table({"id": [1, 2, 3], "x": pa.array([1, None, 3], pa.decimal128(9, 2))})
    files = [
        File(stored, "day=2024-01-31/a.parquet", {"day": "2024-01-31"}, deleted=[1]),
        File(stored.set_column(0, "id", [[4, 5, 6]]), "b.parquet", {"day": None}),
    ]
    place = write_table(
        tmp_path / "t", schema, files, partition_by=["day"], features=["deletionVectors"]
    )
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS, large_bytes)
    found = read(hot)
    assert found.column("id").to_pylist() == [1, 3, 4, 5, 6]
    assert [str(day) for day in found.column("day").to_pylist()] == ["2024-01-31"] * 2 + [
        "None"
    ] * 3


def test_what_is_committed_while_many_ask_is_read_once(tmp_path: Path) -> None:
    place = tmp_path / "t"
    deltalake.write_deltalake(place, rows(0))
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS)
    first = hot.snapshot()
    assert hot.snapshot() == first
    deltalake.write_deltalake(place, rows(10), mode="append")
    assert hot.snapshot(staleness_s=3600).version == first.version
    assert hot.snapshot().version == first.version + 1


def test_many_small_files_are_few_batches(tmp_path: Path) -> None:
    place = tmp_path / "t"
    deltalake.write_deltalake(place, rows(0))
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS)
    for i in range(30):
        deltalake.write_deltalake(place, rows(10 * i), mode="append")
        hot.snapshot()
    assert len(hot.snapshot().memory.batches) < 8


def test_a_table_that_outgrows_its_memory_keeps_its_newest_rows_there(tmp_path: Path) -> None:
    place = tmp_path / "t"
    deltalake.write_deltalake(place, rows(0, 3000))
    size = HotTable(DeltaTable(name="t", location=str(place)), LOTS).size_bytes
    hot = HotTable(DeltaTable(name="t", location=str(place)), 4 * size)
    for i in range(1, 40):
        deltalake.write_deltalake(place, rows(3000 * i, 3000 if i % 4 == 0 else 100), mode="append")
        source = hot.snapshot().source
        assert hot.size_bytes <= 5 * size
    assert isinstance(source, Mixed)
    left = [file.rows for file in source.files.files]
    assert len(left) < 12
    assert read(hot) == told(place)


def test_a_table_that_is_gone_is_told_and_found_again(tmp_path: Path) -> None:
    place = tmp_path / "t"
    deltalake.write_deltalake(place, rows(0))
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS)
    place.rename(tmp_path / "away")
    with pytest.raises(UnavailableError) as error:
        hot.snapshot()
    assert str(tmp_path) not in str(error.value)
    (tmp_path / "away").rename(place)
    assert read(hot) == rows(0)


def test_a_feature_that_is_not_known_is_not_read(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int64())])
    place = write_table(
        tmp_path / "t", schema, [File(pa.table({"id": [1]}), "a.parquet")], features=["tomorrows"]
    )
    with pytest.raises(UnsuitedError, match="tomorrows"):
        HotTable(DeltaTable(name="t", location=str(place)), LOTS)


def test_the_table_that_was_not_asked_for_longest_gives_way(tmp_path: Path) -> None:
    tables = []
    for name in ("a", "b"):
        deltalake.write_deltalake(tmp_path / name, rows(0, 10_000))
        tables.append(DeltaTable(name=name, location=str(tmp_path / name)))
    size = HotTable(tables[0], LOTS).size_bytes
    following = Following(size + size // 2, LOTS)
    for table in tables:
        assert following.snapshot(table, 0.0) is not None
    assert following.size_bytes() <= size + size // 2
    assert "b" in following.hot


def counted(hot: HotTable, monkeypatch: pytest.MonkeyPatch) -> list[LiveFile]:
    """The files that are read from now on."""
    found: list[LiveFile] = []
    rows_of = HotTable._rows

    def rows(self: HotTable, file: LiveFile) -> list[pa.RecordBatch]:
        found.append(file)
        return rows_of(self, file)

    monkeypatch.setattr(HotTable, "_rows", rows)
    return found


PARTITIONED = pa.schema([("id", pa.int64()), ("name", pa.string()), ("k", pa.int64())])


def partitioned(start: int, count: int = 10) -> pa.Table:
    numbers = pa.array([i % 3 for i in range(count)], pa.int64())
    return rows(start, count).append_column("k", numbers).cast(PARTITIONED)


@pytest.mark.parametrize("is_partitioned", [False, True])
def test_rows_that_were_only_packed_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_partitioned: bool
) -> None:
    """Into one file or several, once or time and again, between two looks or not."""
    place = str(tmp_path / "t")
    make = partitioned if is_partitioned else rows
    by = ["k"] if is_partitioned else None
    deltalake.DeltaTable.create(place, make(0).schema, partition_by=by)
    hot = HotTable(DeltaTable(name="t", location=place), LOTS)
    compactor = Compactor(place, Packing(min_files=3, settled_s=0))
    read_files = counted(hot, monkeypatch)
    appended = 0
    with Writer(place) as writer:
        for number in range(24):
            writer.append(make(10 * number))
            appended += 3 if is_partitioned else 1
            if number % 3:
                hot.snapshot()
            if number % 4 == 3:
                while compactor.run_once() is not None:
                    if number % 8 == 7:
                        hot.snapshot()
    assert read(hot) == told(tmp_path / "t")
    packed = [file for file in read_files if not file.add.data_change]
    # where it did not look between an append and its packing there was nothing to keep
    assert len(packed) <= 3 * (3 if is_partitioned else 1)
    assert len(read_files) <= appended
    deltalake.DeltaTable(place).delete("id % 2 = 0")
    assert read(hot) == told(tmp_path / "t")


def test_rows_are_read_again_where_they_may_be_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another number of them, none told, or files of which nobody says which has which."""
    place = tmp_path / "t"
    parts = [File(rows(10 * i), f"{i}.parquet") for i in range(6)]
    write_table(place, rows(0).schema, parts)
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS)
    read_files = counted(hot, monkeypatch)

    def pack(version: int, gone: Sequence[int], *files: File, **said: object) -> None:
        adds = [file.write(place) for file in files]
        for add in adds:
            add["add"] |= {"dataChange": False, **said}
        moved = {"dataChange": False, "deletionTimestamp": 1}
        removes = [{"remove": {"path": f"{i}.parquet", **moved}} for i in gone]
        commit(place, version, *removes, *adds)
        assert read(hot) == told(place)

    pack(1, [0, 1], File(pa.concat_tables([rows(0), rows(10)]), "a.parquet"))
    assert not read_files  # just one
    pack(2, [2], File(rows(20), "b.parquet"), stats=None)
    pack(3, [3], File(rows(100, 11), "c.parquet"))
    pack(4, [4, 5], File(rows(40), "d.parquet"), File(rows(50), "e.parquet"))
    assert [f.place[0] for f in read_files] == ["b", "c", "d", "e"]
    read_files.clear()
    pack(5, [], File(rows(60), "f.parquet"))
    assert [f.place[0] for f in read_files] == ["f"]


def test_deleted_rows_stay_deleted_when_their_file_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "t"
    parts = [File(rows(10 * i), f"{i}.parquet", deleted=(1, 3) if i else ()) for i in range(3)]
    write_table(place, rows(0).schema, parts, features=["deletionVectors"])
    hot = HotTable(DeltaTable(name="t", location=str(place)), LOTS)
    read_files = counted(hot, monkeypatch)
    compactor = Compactor(str(place), Packing(min_files=2, settled_s=0))
    assert compactor.run_once() is not None
    assert read(hot) == told(place)
    assert read(hot).num_rows == 26
    assert not read_files
