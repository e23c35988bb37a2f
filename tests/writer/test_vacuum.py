"""A vacuum removes what no version within the retention needs, and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.store import Stored
from neuralake.engines.protocol import Engine
from neuralake.writer import Writer
from neuralake.writer.errors import RetentionError, UnsupportedTableError, WriterError
from neuralake.writer.vacuum import Vacuum, vacuum
from tests.delta.make import (
    Action,
    File,
    actions,
    commit,
    log_file,
    write_table,
)
from tests.engines.others import CASES
from tests.more import drawn
from tests.writer.conftest import events, put_store
from tests.writer.reading import engines, mismatches
from tests.writer.test_compact import compact

Make = Callable[..., str]
HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
IDS = pa.table({"id": [1, 2, 3]})


@pytest.fixture(scope="module")
def readers() -> Iterator[Mapping[str, Engine]]:
    with engines() as started:
        yield started


def grow_old(path: str | Path, seconds: float, *names: str) -> None:
    """Make files that many seconds older; all of the table if none is named."""
    root = Path(path)
    for file in [root / n for n in names] or [f for f in root.rglob("*") if f.is_file()]:
        then = file.stat().st_mtime - seconds
        os.utime(file, (then, then))


def tick() -> None:
    """Wait until the clock of the files, which is a coarse one, has passed the present."""
    time.sleep(0.02)


def put(root: Path, name: str, age_s: float) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"x")
    grow_old(root, age_s, name)


def files(path: str | Path) -> set[str]:
    found = {str(f.relative_to(path)) for f in Path(path).rglob("*") if f.is_file()}
    return {name for name in found if not name.startswith("_delta_log/")}


def doomed(path: str | Path, **options: Any) -> set[str]:
    """What would be deleted."""
    before = files(path)
    told: list[Stored] = []
    done = vacuum(str(path), is_dry_run=True, tell=told.append, **options)
    assert done.is_dry_run
    assert (done.files, done.size_bytes) == (len(told), sum(s.size_bytes for s in told))
    assert files(path) == before
    return {stored.path for stored in told}


def run(path: str | Path, **options: Any) -> set[str]:
    """What is deleted: just what was told before."""
    before = files(path)
    told = doomed(path, **options)
    done = vacuum(str(path), **options)
    assert not done.is_dry_run
    assert before - files(path) == {name for name in told if not name.startswith("_delta_log/")}
    assert done.files == len(told)
    return told


def remove(path: str, age_s: float, **more: Any) -> Action:
    then = int((time.time() - age_s) * 1000)
    return {"remove": {"path": path, "dataChange": True, "deletionTimestamp": then, **more}}


def table(root: Path, *names: str, properties: Mapping[str, str] | None = None) -> Path:
    """A table of some files, all a month old."""
    made = [File(IDS, name) for name in names]
    write_table(root, IDS.schema, made, features=["deletionVectors"], configuration=properties)
    grow_old(root, 30 * DAY)
    return root


def removed(root: Path, version: int, age_s: float, *more: Action) -> None:
    """An entry as old as what it does."""
    commit(root, version, *more)
    grow_old(root, age_s, f"_delta_log/{version:020}.json")


def test_what_was_removed_before_the_retention_goes(tmp_path: Path) -> None:
    table(tmp_path, "kept", "late", "early")
    removed(tmp_path, 1, 8 * DAY, remove("early", 8 * DAY))
    removed(tmp_path, 2, 6 * DAY, remove("late", 6 * DAY))

    assert run(tmp_path) == {"early"}

    assert files(tmp_path) == {"kept", "late"}
    done = vacuum(str(tmp_path))
    assert (done.version, done.files, done.retention_ms) == (2, 0, WEEK * 1000)


def test_the_tables_own_retention_holds(tmp_path: Path) -> None:
    properties = {"delta.deletedFileRetentionDuration": "interval 2 hours"}
    table(tmp_path, "kept", "late", "early", properties=properties)
    removed(tmp_path, 1, 3 * HOUR, remove("early", 3 * HOUR))
    removed(tmp_path, 2, HOUR, remove("late", HOUR))
    assert run(tmp_path) == {"early"}


def test_a_longer_one_may_be_asked_for(tmp_path: Path) -> None:
    table(tmp_path, "kept", "early")
    removed(tmp_path, 1, 8 * DAY, remove("early", 8 * DAY))
    assert doomed(tmp_path, retention_s=9 * DAY) == set()
    assert doomed(tmp_path, retention_s=WEEK) == {"early"}


def test_a_shorter_one_is_refused_unless_it_is_forced(tmp_path: Path) -> None:
    table(tmp_path, "kept", "late")
    removed(tmp_path, 1, DAY, remove("late", DAY))
    with pytest.raises(
        RetentionError, match=r"retention of 3600 s is below the table's own of 6048"
    ):
        vacuum(str(tmp_path), retention_s=HOUR)
    assert files(tmp_path) == {"kept", "late"}
    assert run(tmp_path, retention_s=HOUR, is_forced=True) == {"late"}


@pytest.mark.parametrize("is_forced", [False, True])
def test_durations_that_make_no_sense(tmp_path: Path, is_forced: bool) -> None:
    with pytest.raises(RetentionError, match="-1 s is negative"):
        Vacuum(str(tmp_path), retention_s=-1, is_forced=is_forced)
    with pytest.raises(RetentionError, match="writer at work, who has 30 s"):
        Vacuum(str(tmp_path), in_flight_s=29, is_forced=is_forced)


def test_orphans_go_when_they_are_old(tmp_path: Path) -> None:
    table(tmp_path, "kept")
    put(tmp_path, "old.parquet", 8 * DAY)
    put(tmp_path, "k=1/old.parquet", 8 * DAY)
    put(tmp_path, "young.parquet", 6 * DAY)
    told = run(tmp_path)
    assert told == {"old.parquet", "k=1/old.parquet"}
    assert files(tmp_path) == {"kept", "young.parquet"}
    assert (tmp_path / "k=1").is_dir()  # a writer may be about to use it


def test_what_a_writer_at_work_has_written_stays_however_short_the_retention(
    tmp_path: Path,
) -> None:
    table(tmp_path, "kept", "gone")
    removed(tmp_path, 1, 60, remove("gone", 60))
    put(tmp_path, "in-flight.parquet", 60)
    put(tmp_path, "left.parquet", 11 * 60)
    none: dict[str, Any] = {"retention_s": 0, "is_forced": True}
    assert doomed(tmp_path, **none) == {"gone", "left.parquet"}
    assert doomed(tmp_path, **none, in_flight_s=30) == {"gone", "left.parquet", "in-flight.parquet"}


def test_an_append_in_flight_is_not_disturbed(make_table: Make) -> None:
    path = make_table()

    class Vacuuming(DiskStore):
        def begin(self, name: str, content: Any) -> Callable[[], None]:
            finish = super().begin(name, content)
            assert vacuum(path, retention_s=0, is_forced=True).files == 0
            return finish

    with Writer(path) as writer:
        put_store(writer, Vacuuming(path))
        writer.append(events(0))
    assert deltalake.DeltaTable(path).to_pyarrow_table().num_rows == 10


def test_a_file_that_became_part_of_the_table_meanwhile_stays(tmp_path: Path) -> None:
    """As one does that is restored, or added without being written anew."""
    table(tmp_path, "kept", "back")
    removed(tmp_path, 1, 8 * DAY, remove("back", 8 * DAY))
    put(tmp_path, "old", 8 * DAY)
    *_, add = actions(tmp_path, 0)
    told: list[str] = []

    class Racing(DiskStore):
        def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
            yield from super().list(prefix, after)
            if not prefix and not log_file(tmp_path, 2).exists():
                commit(tmp_path, 2, add)

    worker = Vacuum(str(tmp_path))
    worker._store = Racing(tmp_path)
    done = worker.run_once(tell=lambda stored: told.append(stored.path))
    assert told == ["old"]
    assert (done.removed_files, done.orphans) == (0, 1)
    assert files(tmp_path) == {"kept", "back"}


@pytest.mark.parametrize(
    "name",
    [
        "_hidden.parquet",
        ".hidden.parquet",
        "_hidden/x.parquet",
        ".hidden/x.parquet",
        "k=1/_hidden/x.parquet",
        "_delta_log/notes.txt",
        "_delta_log/_sidecars/x.parquet",
    ],
)
def test_what_is_hidden_stays(tmp_path: Path, name: str) -> None:
    table(tmp_path, "kept")
    put(tmp_path, name, 30 * DAY)
    assert run(tmp_path) == set()
    assert (tmp_path / name).exists()


def test_what_is_not_hidden_though_it_looks_so(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int64()), ("_k", pa.string()), ("_odd k", pa.string())])
    write_table(tmp_path, schema, [], partition_by=["_k", "_odd k"])
    names = {
        "_k=1/x.parquet",
        "_k=1/_odd%20k=2/x.parquet",
        "_k=1/_odd k=2/x.parquet",
        "_change_data/cdc.parquet",
        "_delta_index/x",
    }
    for name in names:
        put(tmp_path, name, 8 * DAY)
    put(tmp_path, "_other=1/x.parquet", 8 * DAY)
    assert run(tmp_path) == names


def test_change_data_within_the_retention_stays(tmp_path: Path) -> None:
    table(tmp_path, "kept")
    put(tmp_path, "_change_data/cdc-old.parquet", 8 * DAY)
    put(tmp_path, "_change_data/cdc-young.parquet", 6 * DAY)
    assert run(tmp_path) == {"_change_data/cdc-old.parquet"}


def test_temporary_files_of_a_crash_go(tmp_path: Path) -> None:
    table(tmp_path, "kept")
    for age_s, name in {11 * 60: "left", 60: "used"}.items():
        put(tmp_path, f".neuralake-{name}", age_s)
        put(tmp_path, f"_delta_log/.neuralake-{name}", age_s)
    assert run(tmp_path) == {".neuralake-left", "_delta_log/.neuralake-left"}
    assert not (tmp_path / "_delta_log" / ".neuralake-left").exists()


def test_deletion_vectors_that_rows_need_stay(tmp_path: Path) -> None:
    """Relative and absolute ones, of live files and of files that were removed lately."""
    from tests.delta.test_vectors import stored

    table(tmp_path, "a", "b", "c", "d")
    plain = {"partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": True}
    vectors = {
        name: stored(tmp_path, [1], False, prefix="ab" if name == "b" else "") for name in "abcde"
    }
    absolute = next(f for f in tmp_path.glob("deletion_vector_*.bin"))
    vectors["f"] = vectors["a"] | {"storageType": "p", "pathOrInlineDv": f"file://{absolute}"}
    places = {n: p for n in "abcde" for p in [place(tmp_path, vectors[n])]}
    grow_old(tmp_path, 8 * DAY, *places.values())
    removed(
        tmp_path,
        1,
        8 * DAY,
        {"add": {"path": "a", **plain, "deletionVector": vectors["a"]}},
        {"add": {"path": "b", **plain, "deletionVector": vectors["b"]}},
        remove("a", 8 * DAY),
        remove("b", 8 * DAY),
        remove("c", 8 * DAY, deletionVector=vectors["c"]),
    )
    removed(tmp_path, 2, DAY, remove("d", DAY, deletionVector=vectors["d"]))

    gone = run(tmp_path)

    assert gone == {places["c"], places["e"]}  # of which the file itself is live still


def place(root: Path, vector: Action) -> str:
    from neuralake.delta.vectors import vector_place
    from tests.delta.test_vectors import vector as of

    found = vector_place(str(root), of(vector))
    assert found is not None
    return found


def test_absolute_paths_below_the_table_are_its_own(tmp_path: Path) -> None:
    root = table(tmp_path / "a table", "kept")
    put(root, "sub/file", 30 * DAY)
    plain = {"partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": True}
    path = f"file://{root}/sub/file".replace(" ", "%20")
    commit(root, 1, {"add": {"path": path, **plain}})
    assert run(root) == set()


def test_files_of_a_shallow_clones_origin_are_never_touched(
    tmp_path: Path, readers: Mapping[str, Engine]
) -> None:
    clone, expected = CASES["a shallow clone"](tmp_path / "t")
    assert isinstance(clone, DeltaTable)
    grow_old(tmp_path, 30 * DAY)
    outside = {f for f in tmp_path.rglob("*") if not f.is_relative_to(clone.uri)}
    assert run(clone.uri) == set()
    compact(clone.uri)
    tick()
    assert run(clone.uri, retention_s=0, is_forced=True) == {"own.parquet"}
    assert outside == {f for f in tmp_path.rglob("*") if not f.is_relative_to(clone.uri)}
    assert not mismatches(clone.uri, expected, readers, by_deltalake=False)


def test_a_table_below_the_table_is_not_touched(tmp_path: Path) -> None:
    table(tmp_path, "kept")
    table(tmp_path / "sub" / "table", "other")
    put(tmp_path, "sub/table/orphan", 30 * DAY)
    put(tmp_path, "sub/tables", 30 * DAY)
    assert run(tmp_path) == {"sub/tables"}


def test_a_link_to_a_directory_is_not_followed(tmp_path: Path) -> None:
    root = table(tmp_path / "t", "kept")
    put(tmp_path, "elsewhere/k=1/x.parquet", 30 * DAY)
    (root / "k=1").symlink_to(tmp_path / "elsewhere" / "k=1")
    assert run(root) == set()
    assert (root / "k=1" / "x.parquet").exists()


def test_a_remover_whose_clock_went_wrong(tmp_path: Path) -> None:
    """The entry's own age tells, as long as there is the entry."""
    table(tmp_path, "kept", "a", "b")
    nothing = {"remove": {"path": "b", "dataChange": True}}
    removed(tmp_path, 1, HOUR, remove("a", 30 * DAY), nothing)
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    assert run(tmp_path) == set()
    grow_old(tmp_path, 8 * DAY)
    assert run(tmp_path) == {"a", "b"}


@pytest.mark.parametrize("feature", ["catalogManaged", "something-to-come"])
def test_a_feature_that_is_not_known_is_refused_by_name(tmp_path: Path, feature: str) -> None:
    table(tmp_path, "kept")
    head, *rest = actions(tmp_path, 0)
    head["protocol"]["writerFeatures"].append(feature)
    commit(tmp_path, 0, head, *rest)
    put(tmp_path, "orphan", 30 * DAY)
    with pytest.raises(UnsupportedTableError, match=feature):
        vacuum(str(tmp_path))
    assert files(tmp_path) == {"kept", "orphan"}


def test_no_table(tmp_path: Path) -> None:
    put(tmp_path, "x.parquet", 30 * DAY)
    with pytest.raises(WriterError, match="cannot be vacuumed: no Delta table at"):
        vacuum(str(tmp_path), is_dry_run=True)
    assert files(tmp_path) == {"x.parquet"}


def test_more_than_one_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralake.writer.vacuum._AT_ONCE", 10)
    table(tmp_path, "kept")
    for i in range(25):
        put(tmp_path, f"k={i % 3}/{i}", 8 * DAY)
    assert len(run(tmp_path)) == 25


@pytest.mark.parametrize("case", sorted(CASES))
def test_any_table_keeps_its_rows(case: str, tmp_path: Path, readers: Mapping[str, Engine]) -> None:
    """Also when it was compacted, and everything that can go goes."""
    found, expected = CASES[case](tmp_path / "t")
    if not isinstance(found, DeltaTable):
        return
    grow_old(tmp_path, 30 * DAY)
    vacuum(found.uri)
    compact(found.uri)
    tick()
    vacuum(found.uri, retention_s=0, is_forced=True)
    known = LiveFiles(DiskStore(found.uri)).files.values()
    assert len({f for f in files(found.uri) if f.endswith(".parquet")}) <= len(known) + 1
    assert not mismatches(found.uri, expected, readers, by_deltalake=False)


def by_deltalake(path: str | Path, hours: int) -> set[str]:
    return set(
        deltalake.DeltaTable(str(path)).vacuum(hours, enforce_retention_duration=False, full=True)
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "overwrite", "delete", "optimize", "checkpoint", "orphan"]),
        st.integers(0, 5),
    ),
    max_size=8,
)


@settings(max_examples=drawn(20))
@given(steps=STEPS, partitioned=st.booleans(), hours=st.sampled_from([0, 24, 168]))
def test_as_deltalake_would(
    tmp_path_factory: pytest.TempPathFactory,
    steps: Sequence[tuple[str, int]],
    partitioned: bool,
    hours: int,
) -> None:
    """Between steps days pass: all that there is grows older, timestamps in the log included."""
    root = tmp_path_factory.mktemp("table")
    rows = events(0, 4)
    deltalake.write_deltalake(str(root), rows, partition_by=["device"] if partitioned else None)
    for step, (kind, days) in enumerate(steps):
        found = deltalake.DeltaTable(str(root))
        match kind:
            case "append":
                deltalake.write_deltalake(found, events(10 * step, 3), mode="append")
            case "overwrite":
                deltalake.write_deltalake(found, events(10 * step, 2), mode="overwrite")
            case "delete":
                found.delete(f"id < {5 * step}")
            case "optimize":
                found.optimize.compact()
            case "checkpoint":
                found.create_checkpoint()
            case "orphan":
                put(root, f"orphan-{step}.parquet", 0)
        grow_old(root, days * DAY + 60)
        if not list(
            (root / "_delta_log").glob("*.checkpoint.parquet")
        ):  # which is not written anew
            shift(root, days * DAY + 60)
    tick()
    theirs = by_deltalake(root, hours)
    ours = doomed(root, retention_s=hours * HOUR, is_forced=True, in_flight_s=30)
    assert ours == theirs


def shift(root: Path, seconds: float) -> None:
    """Make what the log says of removals that much older."""
    for name in (root / "_delta_log").glob("*.json"):
        version, status = int(name.stem), name.stat()
        entry = actions(root, version)
        for action in entry:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= int(seconds * 1000)
        commit(root, version, *entry)
        os.utime(name, (status.st_atime, status.st_mtime))
