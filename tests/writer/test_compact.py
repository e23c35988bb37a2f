"""A compaction leaves the rows as they are, in fewer files, whoever commits meanwhile."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.engines.protocol import Engine
from neuralake.writer import Writer
from neuralake.writer.bins import Packing
from neuralake.writer.compact import Compactor
from neuralake.writer.compaction import Compaction
from neuralake.writer.errors import UnsupportedTableError, WriterError
from tests.delta.make import File, actions, commit, deletion_vector, log_file, write_table
from tests.engines.others import CASES
from tests.writer.conftest import EVENTS, events
from tests.writer.reading import engines, mismatches

Make = Callable[..., str]
# Two files are enough, and one of which a row is deleted
EAGER = Packing(min_files=64, settled_s=0, deleted_share=0)


@pytest.fixture(scope="module")
def readers() -> Iterator[Mapping[str, Engine]]:
    with engines() as started:
        yield started


def live(path: str) -> LiveFiles:
    return LiveFiles(DiskStore(path), keeps_statistics=True)


def compact(path: str, packing: Packing = EAGER) -> list[Compaction]:
    """Until nothing is worth it."""
    compactor = Compactor(path, packing)
    done = []
    while (one := compactor.run_once()) is not None:
        done.append(one)
        assert len(done) < 50, "it does not come to an end"
    return done


def test_small_files_become_one(make_table: Make, readers: Mapping[str, Engine]) -> None:
    path = make_table()
    with Writer(path) as writer:
        for i in range(8):
            writer.append(events(10 * i))
    expected = pa.concat_tables([events(10 * i) for i in range(8)])

    (done,) = compact(path, Packing())

    assert (done.version, done.bins, done.given_up, done.attempts) == (9, 1, 0, 1)
    assert (done.files_before, done.files_after, done.rows) == (8, 1, 80)
    assert done.size_bytes_before > done.size_bytes_after > 0
    assert min(done.plan_ns, done.pack_ns, done.commit_ns) > 0
    assert not mismatches(path, expected, readers)
    (file,) = live(path).files.values()
    assert file.add.stats is not None
    assert json.loads(file.add.stats) == {
        "numRecords": 80,
        "minValues": {"id": 0, "device": "rig-0", "value": 0.0},
        "maxValues": {"id": 79, "device": "rig-2", "value": 39.5},
        "nullCount": {"id": 0, "device": 0, "value": 0},
    }
    # in the order of the commits
    assert pq.read_table(f"{path}/{file.place}")["id"].to_pylist() == list(range(80))


def test_the_entry_says_that_no_data_changed(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        first = writer.append(events(0))
        writer.append(events(10))
    compact(path)

    info, *files = actions(Path(path), 3)
    said = info["commitInfo"]
    assert said["operation"] == "OPTIMIZE"
    assert (said["isBlindAppend"], said["readVersion"]) == (False, 2)
    metrics = said["operationMetrics"]
    assert (metrics["numRemovedFiles"], metrics["numAddedFiles"]) == ("2", "1")
    assert [next(iter(action)) for action in files] == ["remove", "remove", "add"]
    assert not any(value["dataChange"] for action in files for value in action.values())
    assert files[0]["remove"]["size"] == first.size_bytes
    assert files[0]["remove"]["extendedFileMetadata"] is True
    assert deltalake.DeltaTable(path).history(1)[0]["operation"] == "OPTIMIZE"


def test_nothing_to_do(make_table: Make) -> None:
    path = make_table()
    assert compact(path) == []
    with Writer(path) as writer:
        writer.append(events(0))
    assert compact(path) == []
    assert deltalake.DeltaTable(path).version() == 1


def test_it_follows_the_table(make_table: Make, readers: Mapping[str, Engine]) -> None:
    path = make_table()
    compactor = Compactor(path, EAGER)
    with Writer(path) as writer:
        for i in range(5):
            writer.append(events(20 * i))
            writer.append(events(20 * i + 10))
            done = compactor.run_once()
            assert done is not None
            assert done.rows == 20 * (i + 1)
            assert compactor.run_once() is None
    deltalake.DeltaTable(path).delete("id < 50")
    deltalake.write_deltalake(path, events(100), mode="append")
    done = compactor.run_once()
    assert done is not None
    assert done.rows == 60
    assert not mismatches(path, events(50, 60), readers)


def test_each_partition_has_its_own(make_table: Make, readers: Mapping[str, Engine]) -> None:
    path = make_table(partition_by=["device"])
    with Writer(path) as writer:
        for i in range(3):
            writer.append(events(10 * i))
    before = {f.place.rpartition("/")[0] for f in live(path).files.values()}

    (done,) = compact(path)

    assert (done.bins, done.files_before, done.files_after) == (3, 9, 3)
    found = live(path).files.values()
    assert {f.place.rpartition("/")[0] for f in found} == before
    assert not mismatches(path, pa.concat_tables([events(10 * i) for i in range(3)]), readers)


@pytest.mark.parametrize("case", sorted(CASES))
def test_any_table_keeps_its_rows(case: str, tmp_path: Path, readers: Mapping[str, Engine]) -> None:
    table, expected = CASES[case](tmp_path / "t")
    if not isinstance(table, DeltaTable):
        return
    path = table.uri
    before = len(live(path).files)

    compact(path)

    assert len(live(path).files) <= before
    assert not any(f.deleted for f in live(path).files.values())
    assert not mismatches(path, expected, readers, by_deltalake=False)


def test_deleted_rows_are_left_out(tmp_path: Path, readers: Mapping[str, Engine]) -> None:
    rows = pa.table({"id": list(range(6))})
    files = [File(rows, "a", deleted=[0, 5]), File(rows, "b", deleted=list(range(6)))]
    path = str(write_table(tmp_path, rows.schema, files, features=["deletionVectors"]))

    (done,) = compact(path)

    assert (done.files_before, done.files_after, done.rows) == (2, 1, 4)
    removed = [a["remove"] for a in actions(tmp_path, 1) if "remove" in a]
    assert all("deletionVector" in remove for remove in removed)
    assert not mismatches(path, rows.slice(1, 4), readers)


def test_files_without_a_row_left_leave_no_file(tmp_path: Path) -> None:
    rows = pa.table({"id": [1, 2]})
    files = [File(rows, "a", deleted=[0, 1])]
    path = str(write_table(tmp_path, rows.schema, files, features=["deletionVectors"]))

    (done,) = compact(path)

    assert (done.files_before, done.files_after, done.rows) == (1, 0, 0)
    assert not live(path).files
    assert deltalake.DeltaTable(path).version() == 1


def test_a_bin_that_is_not_held_in_memory(
    make_table: Make, readers: Mapping[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = pa.schema([*EVENTS, ("nested", pa.struct([("x", pa.float64())]))])
    path = make_table(schema)
    parts = []
    with Writer(path) as writer:
        for i in range(4):
            part = events(1000 * i, 1000)
            values = [float("nan")] * 1000 if i == 2 else list(range(1000))
            part = part.append_column("nested", [[{"x": float(v)} for v in values]])
            parts.append(part)
            writer.append(part)
    monkeypatch.setattr("neuralake.writer.repack._AT_ONCE_BYTES", 1)
    monkeypatch.setattr("neuralake.writer.encode._GROUP_ROWS", 1500)

    (done,) = compact(path)

    assert (done.files_after, done.rows) == (1, 4000)
    (file,) = live(path).files.values()
    assert pq.read_metadata(f"{path}/{file.place}").num_row_groups == 2
    stats = json.loads(file.add.stats or "")
    assert (stats["minValues"]["value"], stats["maxValues"]["value"]) == (0.0, 1999.5)
    assert "nested" not in stats["minValues"]
    assert not mismatches(path, pa.concat_tables(parts), readers)


def test_a_nan_takes_the_bounds_away(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        writer.append(events(0))
        part = pa.table({"id": [10], "device": ["x"], "value": [float("nan")]}, EVENTS)
        writer.append(part)
    compact(path)
    (file,) = live(path).files.values()
    stats = json.loads(file.add.stats or "")
    assert set(stats["minValues"]) == set(stats["maxValues"]) == {"id", "device"}
    found = pl.scan_delta(path).filter(pl.col("value") > 100).collect()  # NaN is, to Polars
    assert found["id"].to_list() == [10]


def test_in_commit_timestamps_go_on(tmp_path: Path) -> None:
    path = str(
        write_table(
            tmp_path,
            EVENTS,
            [File(events(0), "a"), File(events(10), "b")],
            configuration={"delta.enableInCommitTimestamps": "true"},
        )
    )
    head, *rest = actions(tmp_path, 0)
    head["protocol"] |= {"minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]}
    ahead = 4_000_000_000_000  # of the clock
    commit(tmp_path, 0, {"commitInfo": {"inCommitTimestamp": ahead}}, head, *rest)

    (done,) = compact(path)

    assert done.version == 1
    assert actions(tmp_path, 1)[0]["commitInfo"]["inCommitTimestamp"] == ahead + 1


def test_change_data_feed_tells_of_no_change(make_table: Make) -> None:
    path = make_table(configuration={"delta.enableChangeDataFeed": "true"})
    with Writer(path) as writer:
        writer.append(events(0))
        writer.append(events(10))
    compact(path)
    table = deltalake.DeltaTable(path)
    changes = pa.table(table.load_cdf(starting_version=0, ending_version=3).read_all())
    assert sorted(changes["id"].to_pylist()) == list(range(20))
    assert set(changes["_commit_version"].to_pylist()) == {1, 2}


def test_append_only_tables_are_packed(make_table: Make) -> None:
    path = make_table(configuration={"delta.appendOnly": "true"})
    with Writer(path) as writer:
        writer.append(events(0))
        writer.append(events(10))
    assert len(compact(path)) == 1


@pytest.mark.parametrize(
    "feature", ["rowTracking", "clustering", "catalogManaged", "something-to-come"]
)
def test_a_feature_that_would_not_be_kept_is_refused_by_name(tmp_path: Path, feature: str) -> None:
    rows = pa.table({"id": [1, 2]})
    path = str(write_table(tmp_path, rows.schema, [File(rows, "a"), File(rows, "b")]))
    head, metadata, *adds = actions(tmp_path, 0)
    head["protocol"] |= {"minWriterVersion": 7, "writerFeatures": [feature]}
    commit(tmp_path, 0, head, metadata, *adds)

    with pytest.raises(UnsupportedTableError, match=f"{path}: .*{feature}"):
        Compactor(path).run_once()
    assert not log_file(tmp_path, 1).exists()


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match=r"no Delta table at .*/nowhere"):
        Compactor(str(tmp_path / "nowhere")).run_once()


class Overtaken(Compactor):
    """One whom others are ahead of: they act after its files are written, before it commits."""

    meanwhile: Callable[[], Any] | None = None

    def _commit(self, *arguments: Any) -> Any:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        return super()._commit(*arguments)


def overtaken(path: str, act: Callable[[], Any]) -> Compaction | None:
    compactor = Overtaken(path, EAGER)
    compactor.meanwhile = act
    return compactor.run_once()


def orphans(path: str) -> set[str]:
    """Data files that no entry names."""
    known = live(path)
    table = LiveFiles(DiskStore(path), keeps_tombstones=True)
    named = {f.place for f in known.files.values()}
    named |= {t.place for t in table.tombstones.values()}
    return {str(f.relative_to(path)) for f in Path(path).rglob("*.parquet")} - named


@pytest.fixture
def two_files(make_table: Make) -> str:
    path = make_table(partition_by=["device"])
    with Writer(path) as writer:
        writer.append(events(0))
        writer.append(events(10))
    return path


def test_appends_meanwhile_do_not_matter(two_files: str, readers: Mapping[str, Engine]) -> None:
    def append() -> None:
        with Writer(two_files) as writer:
            for i in range(5):
                writer.append(events(20 + 10 * i))

    done = overtaken(two_files, append)

    assert done is not None
    assert (done.version, done.bins, done.given_up, done.attempts) == (8, 3, 0, 2)
    assert not mismatches(two_files, pa.concat_tables([events(10 * i) for i in range(7)]), readers)
    assert not orphans(two_files)


def test_a_bin_of_which_a_file_was_removed_is_given_up(
    two_files: str, readers: Mapping[str, Engine]
) -> None:
    done = overtaken(two_files, lambda: deltalake.DeltaTable(two_files).delete("id = 3"))

    assert done is not None
    assert (done.bins, done.given_up, done.files_before, done.files_after) == (2, 1, 4, 2)
    info = actions(Path(two_files), done.version)[0]["commitInfo"]
    assert info["operationMetrics"]["numRemovedFiles"] == "4"
    kept = pa.concat_tables([events(0, 3), events(4, 16)])
    assert not mismatches(two_files, kept, readers)
    assert not orphans(two_files)


def test_a_file_that_got_a_deletion_vector_is_not_brought_back(
    tmp_path: Path, readers: Mapping[str, Engine]
) -> None:
    rows = pa.table({"id": list(range(6))})
    files = [File(rows.slice(0, 3), "a"), File(rows.slice(3), "b")]
    path = str(write_table(tmp_path, rows.schema, files, features=["deletionVectors"]))
    *_, first, _ = actions(tmp_path, 0)

    def delete() -> None:
        old = {k: first["add"][k] for k in ("path", "partitionValues", "size", "dataChange")}
        new = first["add"] | {"deletionVector": deletion_vector(1)}
        commit(tmp_path, 1, {"remove": old | {"deletionTimestamp": 1}}, {"add": new})

    assert overtaken(path, delete) is None
    assert not mismatches(path, rows.filter(pa.array([True, False] + [True] * 4)), readers)
    assert not orphans(path)


def test_all_were_removed_meanwhile(two_files: str) -> None:
    assert overtaken(two_files, lambda: deltalake.DeltaTable(two_files).delete()) is None
    assert not live(two_files).files
    assert not orphans(two_files)


def test_somebody_else_compacted_meanwhile(two_files: str, readers: Mapping[str, Engine]) -> None:
    assert overtaken(two_files, lambda: compact(two_files)) is None
    assert overtaken(two_files, lambda: None) is None
    assert len(live(two_files).files) == 3
    assert not mismatches(two_files, pa.concat_tables([events(0), events(10)]), readers)
    assert not orphans(two_files)


def test_the_schema_changed_meanwhile(two_files: str, readers: Mapping[str, Engine]) -> None:
    def add_column() -> None:
        deltalake.DeltaTable(two_files).alter.add_columns(
            deltalake.Field("more", deltalake.schema.PrimitiveType("long"))
        )

    assert overtaken(two_files, add_column) is None
    assert not orphans(two_files)
    (done,) = compact(two_files)
    assert done.files_after == 3
    rows = pa.concat_tables([events(0), events(10)])
    rows = rows.append_column("more", pa.nulls(20, pa.int64()))
    assert not mismatches(two_files, rows, readers)


def test_what_changes_no_file_is_no_matter(two_files: str) -> None:
    def describe() -> None:
        deltalake.DeltaTable(two_files).alter.set_table_description("Events of our rigs")

    done = overtaken(two_files, describe)
    assert done is not None
    assert (done.bins, done.attempts) == (3, 2)


def test_a_feature_came_meanwhile(two_files: str) -> None:
    def upgrade() -> None:
        features = ["appendOnly", "invariants", "something-to-come"]
        protocol = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": features}
        commit(Path(two_files), 3, {"protocol": protocol})

    with pytest.raises(UnsupportedTableError, match="something-to-come"):
        overtaken(two_files, upgrade)
    assert len(list(Path(two_files).rglob("*.parquet"))) == 6
    assert not log_file(Path(two_files), 4).exists()


def test_the_log_was_cleaned_up_meanwhile(two_files: str, readers: Mapping[str, Engine]) -> None:
    def clean_up() -> None:
        deltalake.write_deltalake(two_files, events(20), mode="append")
        deltalake.write_deltalake(two_files, events(30), mode="append")
        deltalake.DeltaTable(two_files).create_checkpoint()
        for version in range(4):
            log_file(Path(two_files), version).unlink()

    assert overtaken(two_files, clean_up) is None
    (done,) = compact(two_files)
    assert done.files_before == 12
    rows = pa.concat_tables([events(10 * i) for i in range(4)])
    assert not mismatches(two_files, rows, readers)


def test_the_table_was_replaced_meanwhile(two_files: str) -> None:
    def replace() -> None:
        shutil.rmtree(two_files)
        deltalake.DeltaTable.create(two_files, EVENTS)

    with pytest.raises(WriterError, match="was made anew"):
        overtaken(two_files, replace)
    assert deltalake.DeltaTable(two_files).version() == 0


def test_a_file_that_is_not_there_is_told(two_files: str) -> None:
    missing = next(iter(live(two_files).files.values())).place
    (Path(two_files) / missing).unlink()

    with pytest.raises(WriterError, match=f"cannot be compacted: .*{Path(missing).name}"):
        Compactor(two_files, EAGER).run_once()
    assert deltalake.DeltaTable(two_files).version() == 2
    assert not orphans(two_files)


def test_appends_in_threads_while_it_runs(make_table: Make, readers: Mapping[str, Engine]) -> None:
    path = make_table()
    stop = threading.Event()
    told: list[Compaction] = []
    compacting = threading.Thread(
        target=Compactor(path, Packing(min_files=4)).run, args=(stop, 0.001, told.append)
    )

    def append(first: int) -> None:
        with Writer(path) as writer:
            for i in range(12):
                writer.append(events(first + 10 * i))

    appending = [threading.Thread(target=append, args=(1000 * n,)) for n in range(4)]
    for thread in (compacting, *appending):
        thread.start()
    for thread in appending:
        thread.join()
    stop.set()
    compacting.join()
    while Compactor(path, EAGER).run_once() is not None:
        pass

    assert told
    assert not any(done.given_up for done in told)
    ids = [1000 * n + i for n in range(4) for i in range(120)]
    expected = pa.concat_tables([events(i, 1) for i in ids])
    assert not mismatches(path, expected, readers)
    assert deltalake.DeltaTable(path).version() == 48 + len(told) + 1
    assert not orphans(path)
