"""A checkpoint that is carried on from the one before says what the whole log says."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.delta.carry import Last, _nullable, carry, checkpoint_path
from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.log import find_segment, hinted_version
from neuralake.delta.paths import placed
from neuralake.delta.row_groups import assemble, encode
from tests.delta.make import Action, actions, commit, deletion_vector, log_file, write_table
from tests.delta.test_live import add, remove
from tests.more import drawn

NOW_MS = 1_000_000


def table(root: Path) -> Path:
    """A table of one entry, and its checkpoint."""
    write_table(root, pa.schema([("id", pa.int64())]), [], features=["deletionVectors"])
    deltalake.DeltaTable(str(root)).create_checkpoint()
    return root


def carried(root: Path, since_ms: int = 0, last: Last | None = None) -> pa.Table:
    """The checkpoint that is made of the newest version, of which entries are gone then."""
    store = DiskStore(root)
    segment = find_segment(store)
    assert carry(store, segment, since_ms, last)
    assert hinted_version(store) == segment.version
    for version in range(segment.version):
        log_file(root, version).unlink(missing_ok=True)
        (root / checkpoint_path(version)).unlink(missing_ok=True)
    return pq.read_table(root / checkpoint_path(segment.version))


def said(live: LiveFiles) -> object:
    """All that a log says of a table, but for statistics of what is not there any more."""
    files = {
        key: (file.add.size, file.add.stats, file.add.partition_values, file.add.deletion_vector)
        for key, file in live.files.items()
    }
    tombstones = {
        key: (t.deletion_vector, t.timestamp_ms, t.size_bytes) for key, t in live.tombstones.items()
    }
    state = live.state
    domains = {name: domain for name, domain in state.domains.items() if not domain.removed}
    return (
        *(files, tombstones, state.version, state.protocol, state.metadata),
        *(dict(state.transactions), domains),
    )


def everything(root: Path) -> LiveFiles:
    return LiveFiles(DiskStore(root), keeps_statistics=True, keeps_tombstones=True)


SPELLINGS = ["a", "b c", "b%20c", "./a", "k=1/a", "file:{root}/a", "{root}/k=1/a", "/else/where"]
FILE = st.tuples(
    st.sampled_from(["add", "remove"]), st.sampled_from(SPELLINGS), st.sampled_from([0, 1, 2])
)
OTHER = st.tuples(st.sampled_from(["txn", "domain", "gone", "metaData"]), st.integers(0, 2))


@settings(max_examples=drawn(40))
@given(
    history=st.lists(st.lists(FILE | OTHER, max_size=4), min_size=1, max_size=8),
    where=st.sets(st.integers(1, 8)),
    since=st.integers(0, 8),
    remembers=st.booleans(),
)
def test_any_history(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[tuple[str, str, int] | tuple[str, int]]],
    where: set[int],
    since: int,
    remembers: bool,
) -> None:
    """Whatever was committed, wherever checkpoints were carried on."""
    root = table(tmp_path_factory.mktemp("table"))
    plain = tmp_path_factory.mktemp("plain") / "table"
    last = Last() if remembers else None
    for version, steps in enumerate(history, 1):
        commit(root, version, *_once(root, steps, version))
        if version in where and version < len(history):
            assert carry(DiskStore(root), find_segment(DiskStore(root)), 0, last)
    shutil.copytree(root, plain)
    for checkpoint in plain.glob("_delta_log/*checkpoint*"):
        checkpoint.unlink()
    # the same place, of which files are called by their absolute paths
    (root / "_delta_log").rename(root / "kept")
    (plain / "_delta_log").rename(root / "_delta_log")
    whole = everything(root)
    whole.forget(lambda tombstone: tombstone.timestamp_ms < since)
    (root / "_delta_log").rename(plain / "_delta_log")
    (root / "kept").rename(root / "_delta_log")

    made = carried(root, since, last)

    kept = everything(root)
    if remembers:  # of which a part may expire later
        kept.forget(lambda tombstone: tombstone.timestamp_ms < since)
    assert said(kept) == said(whole)
    rows = [made[kind].drop_null() for kind in ("add", "remove")]
    assert not any(pc.any(pc.struct_field(part, "dataChange")).as_py() for part in rows)
    assert deltalake.DeltaTable(str(root)).version() == len(history)


def _once(
    root: Path, steps: list[tuple[str, str, int] | tuple[str, int]], version: int
) -> list[Action]:
    """The actions of an entry, each thing named once."""
    found: dict[object, Action] = {}
    for step in steps:
        if len(step) == 3:
            kind, spelling, deleted = step
            path = spelling.format(root=root)
            more = {"deletionVector": deletion_vector(*range(deleted))} if deleted else {}
            is_add = kind == "add"
            made = add(path, size=version, **more) if is_add else remove(path, version, **more)
            found[placed(str(root), path), deleted] = made
        elif step[0] == "txn":
            found["txn", step[1]] = {"txn": {"appId": f"a{step[1]}", "version": version}}
        elif step[0] == "metaData":
            head = next(a for a in actions(root, 0) if "metaData" in a)["metaData"]
            found["metaData"] = {"metaData": {**head, "description": f"of {version}"}}
        else:
            domain = {"domain": f"d{step[1]}", "configuration": f"{version}"}
            found["domain", step[1]] = {"domainMetadata": {**domain, "removed": step[0] == "gone"}}
    return list(found.values())


def test_it_costs_what_was_committed_since(tmp_path: Path) -> None:
    """Entries before the checkpoint are not read: they need not be there."""
    table(tmp_path)
    for version in range(1, 4):
        commit(tmp_path, version, add(f"f{version}"))
    carried(tmp_path)
    commit(tmp_path, 4, remove("f1"), add("f4"))

    class Counting(DiskStore):
        def __init__(self, root: Path) -> None:
            super().__init__(root)
            self.paths: list[str] = []

        def read(self, path: str) -> bytes:
            self.paths.append(path)
            return super().read(path)

    store = Counting(tmp_path)
    segment = find_segment(store)
    store.paths.clear()
    assert carry(store, segment, 0)
    assert store.paths[:2] == [f"_delta_log/{4:020}.json", checkpoint_path(3)]
    assert {f.place for f in everything(tmp_path).files.values()} == {"f2", "f3", "f4"}


def test_what_was_removed_long_ago_is_told_of_no_more(tmp_path: Path) -> None:
    table(tmp_path)
    commit(tmp_path, 1, add("a"), add("b"), add("c"))
    commit(tmp_path, 2, remove("a", NOW_MS - 1), remove("b", NOW_MS), remove("c", None))
    made = carried(tmp_path, NOW_MS)
    assert [r["path"] for r in made["remove"].drop_null().to_pylist()] == ["b"]


def test_there_is_one_already(tmp_path: Path) -> None:
    """Of somebody who was first: it is theirs that stays."""
    table(tmp_path)
    commit(tmp_path, 1, add("a"))
    store = DiskStore(tmp_path)
    segment = find_segment(store)
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    theirs = (tmp_path / checkpoint_path(1)).read_bytes()
    assert carry(store, segment, 0)
    assert (tmp_path / checkpoint_path(1)).read_bytes() == theirs


def test_the_hint_does_not_go_back(tmp_path: Path) -> None:
    table(tmp_path)
    for version in (1, 2):
        commit(tmp_path, version, add(f"f{version}"))
    store = DiskStore(tmp_path)
    segment = find_segment(store, 1)
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    assert carry(store, segment, 0)
    assert hinted_version(store) == 2


def with_adds(checkpoint: pa.Table, fields: Sequence[pa.Field], path: Path) -> None:
    """Write a checkpoint of no files, whose adds have other fields."""
    place = checkpoint.column_names.index("add")
    adds = pa.nulls(checkpoint.num_rows, _nullable(pa.struct(fields)))
    pq.write_table(checkpoint.set_column(place, "add", adds), path)


@pytest.mark.parametrize("form", ["none", "parts", "statistics", "sidecars", "no domains"])
def test_a_form_in_which_something_would_be_lost(tmp_path: Path, form: str) -> None:
    table(tmp_path)
    path = tmp_path / checkpoint_path(0)
    before = pq.read_table(path)
    match form:
        case "none":
            path.unlink()
            (tmp_path / "_delta_log" / "_last_checkpoint").unlink()
        case "parts":
            for part in (1, 2):
                name = f"{0:020}.checkpoint.{part:010}.{2:010}.parquet"
                pq.write_table(before.slice((part - 1), 1), path.with_name(name))
            path.unlink()
        case "statistics":
            parsed = pa.field("stats_parsed", pa.struct([("n", pa.int64())]))
            with_adds(before, [*before.schema.field("add").type, parsed], path)
        case "sidecars":
            kind = before.schema.field("sidecar").type
            named = {"path": "s.parquet", "sizeInBytes": 1, "modificationTime": 1}
            values = pa.array([named, *[None] * (before.num_rows - 1)], kind)
            place = before.column_names.index("sidecar")
            pq.write_table(before.set_column(place, "sidecar", values), path)
        case "no domains":
            pq.write_table(before.drop_columns("domainMetadata"), path)
    commit(tmp_path, 1, add("a"))
    store = DiskStore(tmp_path)
    assert not carry(store, find_segment(store), 0)
    assert not (tmp_path / checkpoint_path(1)).exists()


def test_something_that_has_no_place_in_the_form(tmp_path: Path) -> None:
    table(tmp_path)
    path = tmp_path / checkpoint_path(0)
    before = pq.read_table(path)
    with_adds(before, [f for f in before.schema.field("add").type if f.name != "baseRowId"], path)
    commit(tmp_path, 1, add("a"))
    store = DiskStore(tmp_path)
    assert carry(store, find_segment(store), 0)  # nothing of it is said
    commit(tmp_path, 2, add("b", baseRowId=7))
    assert not carry(store, find_segment(store), 0)


def test_the_hint_says_what_others_ask_of_it(tmp_path: Path) -> None:
    table(tmp_path)
    commit(tmp_path, 1, add("a"), add("b"))
    made = carried(tmp_path)
    hint = json.loads((tmp_path / "_delta_log" / "_last_checkpoint").read_bytes())
    size = (tmp_path / checkpoint_path(1)).stat().st_size
    assert hint == {"version": 1, "size": made.num_rows, "sizeInBytes": size, "numOfAddFiles": 2}


def test_a_log_that_a_random_writer_made_is_read_by_deltalake(tmp_path: Path) -> None:
    """With its own actions, statistics and partitions."""
    draw = random.Random(7)
    path = str(tmp_path / "t")
    for number in range(12):
        rows = pa.table({"id": list(range(3)), "k": [draw.choice("ab") for _ in range(3)]})
        deltalake.write_deltalake(path, rows, mode="append", partition_by=["k"])
        if number % 4 == 0:
            deltalake.DeltaTable(path).delete("id = 1")
        if number == 3:
            deltalake.DeltaTable(path).create_checkpoint()
    before = deltalake.DeltaTable(path)
    adds = pa.table(before.get_add_actions()).sort_by("path")
    rows = before.to_pyarrow_table().sort_by([("k", "ascending"), ("id", "ascending")])
    carried(Path(path))
    after = deltalake.DeltaTable(path)
    assert pa.table(after.get_add_actions()).sort_by("path").equals(adds)
    assert after.schema() == before.schema()
    assert after.to_pyarrow_table().sort_by([("k", "ascending"), ("id", "ascending")]).equals(rows)


# What is made of a row group, where it is small: the sizes are those of real ones elsewhere
@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralake.delta.tombstones.GROUP_ROWS", 4)


def groups(root: Path, version: int) -> list[tuple[int, int]]:
    """Of each row group the rows that are no removes, and the removes."""
    file = pq.ParquetFile(root / checkpoint_path(version))
    found = []
    for number in range(file.num_row_groups):
        rows = file.read_row_group(number)
        removes = rows.num_rows - rows["remove"].null_count
        column = file.metadata.row_group(number).column(file.metadata.num_columns - 1)
        assert column.path_in_schema.startswith("remove.")
        found.append((rows.num_rows - removes, removes))
    return found


def next_of(root: Path, last: Last | None = None, since_ms: int = 0) -> int:
    """Carry the newest version on; which it is."""
    segment = find_segment(DiskStore(root))
    assert carry(DiskStore(root), segment, since_ms, last)
    return segment.version


def removed_at(root: Path) -> list[int]:
    """When files were removed, in the order of the newest checkpoint."""
    made = pq.read_table(root / find_segment(DiskStore(root)).checkpoint[0])
    return [row["deletionTimestamp"] for row in made["remove"].drop_null().to_pylist()]


@pytest.mark.usefixtures("small_groups")
def test_removes_are_apart_and_in_order(tmp_path: Path) -> None:
    """Also those that deltalake has put between other rows."""
    table(tmp_path)
    now_ms = round(time.time() * 1000)  # of what is old deltalake tells no more
    commit(tmp_path, 1, *(remove(f"r{n}", now_ms - n) for n in range(6)), add("a"), add("b"))
    commit(tmp_path, 2, remove("b", now_ms - 10))
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    commit(tmp_path, 3, remove("a", now_ms - 20), add("c"))
    version = next_of(tmp_path)
    (others, none), *rest = groups(tmp_path, version)
    assert (others, none) == (3, 0)
    assert rest == [(0, 4), (0, 4)]
    assert removed_at(tmp_path) == sorted(removed_at(tmp_path))
    assert {f.place for f in everything(tmp_path).files.values()} == {"c"}


@pytest.mark.usefixtures("small_groups")
def test_groups_that_are_copied(tmp_path: Path) -> None:
    """As they are stored, until something of them is said, or has expired."""
    table(tmp_path)
    last = Last()
    commit(tmp_path, 1, *(remove(f"r{n}", 100 + n) for n in range(8)))
    next_of(tmp_path, last)
    commit(tmp_path, 2, remove("s", 200))
    assert groups(tmp_path, next_of(tmp_path, last))[1:] == [(0, 4), (0, 4), (0, 1)]
    commit(tmp_path, 3, add("r1"))
    assert groups(tmp_path, next_of(tmp_path, last))[1:] == [(0, 3), (0, 4), (0, 1)]
    commit(tmp_path, 4, add("x"))
    next_of(tmp_path, last, since_ms=104)
    assert removed_at(tmp_path) == [104, 105, 106, 107, 200]
    assert {f.place for f in everything(tmp_path).files.values()} == {"r1", "x"}


def test_a_small_part_of_a_group_may_expire_later(tmp_path: Path) -> None:
    table(tmp_path)
    last = Last()
    commit(tmp_path, 1, *(remove(f"r{n}", 100 + n) for n in range(16)))
    next_of(tmp_path, last)
    for version, since_ms, oldest in ((2, 102, 100), (3, 103, 103)):
        commit(tmp_path, version, add(f"a{version}"))
        next_of(tmp_path, last, since_ms)
        assert removed_at(tmp_path)[0] == oldest


def test_what_somebody_else_wrote_is_not_taken_for_the_last_one(tmp_path: Path) -> None:
    table(tmp_path)
    last = Last()
    commit(tmp_path, 1, add("a"), remove("r"))
    version = next_of(tmp_path, last)
    theirs = tmp_path / checkpoint_path(version)
    rows = pq.read_table(theirs)
    adds = rows["add"].combine_chunks().drop_null()
    others = rows.filter(pc.is_null(rows["add"]))
    pq.write_table(others, theirs)
    assert len(adds) == 1
    commit(tmp_path, 2, add("b"))
    next_of(tmp_path, last)
    assert {f.place for f in everything(tmp_path).files.values()} == {"b"}


def test_the_numbers_of_row_groups_and_where_they_lie(tmp_path: Path) -> None:
    """As the footer has them after groups were copied to other places."""
    rows = pa.table({"n": range(40), "s": [f"{n}" * n for n in range(40)], "b": [True, None] * 20})
    made = [encode(rows.slice(n, 2), ["s"]) for n in range(0, 40, 2)]
    path = tmp_path / "f.parquet"
    path.write_bytes(b"".join(assemble(made)))
    assert pq.read_table(path).equals(rows)
    metadata = pq.read_metadata(path)
    assert (metadata.num_rows, metadata.num_row_groups) == (40, 20)
    assert [metadata.row_group(n).num_rows for n in range(20)] == [2] * 20
    again = pq.ParquetFile(path).read_row_group(17)
    assert again.equals(rows.slice(34, 2))
