"""The rows of data files as Arrow, as those who register a dataset ask for them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neuralake.delta.contents import read_contents
from neuralake.delta.rows import FilesDataset, needed_columns
from neuralake.delta.snapshot import Snapshot
from tests.delta.make import File, commit, write_table

SCHEMA = pa.schema([("id", pa.int64()), ("id2", pa.int64()), ("k", pa.string())])


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Two partitions, and two deleted rows."""
    first = pa.table({"id": [1, 2, 3], "id2": [10, 20, 30]})
    second = pa.table({"id": [4], "id2": [40]})
    files = [
        File(first, "k=a/1.parquet", {"k": "a"}, deleted=[0]),
        File(second, "k=b/2.parquet", {"k": "b"}),
    ]
    root = write_table(
        tmp_path / "t", SCHEMA, files, partition_by=["k"], features=["deletionVectors"]
    )
    return Snapshot(deltalake.DeltaTable(str(root)), str(root))


def test_a_dataset_has_the_rows_of_the_table(snapshot: Snapshot) -> None:
    dataset = FilesDataset(snapshot)
    assert dataset.schema == SCHEMA
    assert dataset.to_table().to_pydict() == {
        "id": [2, 3, 4],
        "id2": [20, 30, 40],
        "k": ["a", "a", "b"],
    }
    assert dataset.count_rows() == 3
    assert dataset.head(1).to_pydict() == {"id": [2], "id2": [20], "k": ["a"]}


def test_columns_are_those_that_are_asked_for(snapshot: Snapshot) -> None:
    dataset = FilesDataset(snapshot)
    assert dataset.to_table(columns=["k", "id"]).to_pydict() == {
        "k": ["a", "a", "b"],
        "id": [2, 3, 4],
    }
    assert dataset.to_table(columns=["k"]).to_pydict() == {"k": ["a", "a", "b"]}
    assert dataset.to_table(columns=[]).num_rows == 3


def test_a_filter_may_name_another_column(snapshot: Snapshot) -> None:
    dataset = FilesDataset(snapshot)
    above = pc.field("id2") > 20
    assert dataset.to_table(columns=["k"], filter=above).to_pydict() == {"k": ["a", "b"]}
    assert dataset.count_rows(filter=pc.field("k") == "b") == 1
    scanners = [f.scanner(columns=["id"], filter=above) for f in dataset.get_fragments()]
    assert [scanner.to_table().to_pydict() for scanner in scanners] == [{"id": [3]}, {"id": [4]}]


def test_only_what_is_needed_is_read() -> None:
    assert needed_columns(SCHEMA, None, None) == ["id", "id2", "k"]
    assert needed_columns(SCHEMA, ["k"], None) == ["k"]
    assert needed_columns(SCHEMA, ["k"], pc.field("id2") > 1) == ["id", "id2", "k"], "id is within"


def test_a_file_of_many_batches_loses_no_row(tmp_path: Path) -> None:
    rows = pa.table({"id": range(300_000)})
    gone = [0, 65_535]
    root = write_table(
        tmp_path / "t",
        rows.schema,
        [File(rows, "a.parquet", deleted=gone)],
        features=["deletionVectors"],
    )
    dataset = FilesDataset(Snapshot(deltalake.DeltaTable(str(root)), str(root)))
    found = dataset.to_table().column("id").to_pylist()
    assert found == [n for n in range(300_000) if n not in gone]


def test_more_files_than_arrow_has_threads_for_input_are_read_at_once(snapshot: Snapshot) -> None:
    program = (
        "import sys, deltalake, pyarrow as pa, pyarrow.compute as pc\n"
        "from neuralake.delta.rows import FilesDataset\n"
        "from neuralake.delta.snapshot import Snapshot\n"
        "pa.set_io_thread_count(1)\n"
        "snapshot = Snapshot(deltalake.DeltaTable(sys.argv[1]), sys.argv[1])\n"
        "rows = FilesDataset(snapshot)\n"
        "found = rows.to_table(filter=pc.field('id') > 1), rows.to_table(columns=['k'])\n"
        "print(*(table.num_rows for table in found))\n"
    )
    command = [sys.executable, "-c", program, snapshot.uri]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "3 3\n"


def test_a_dataset_stays_in_its_process(snapshot: Snapshot) -> None:
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(FilesDataset(snapshot))


class TestContents:
    def test_rows_are_counted_by_the_log_without_what_is_deleted(self, snapshot: Snapshot) -> None:
        assert snapshot.rows_in_log() == read_contents(snapshot).rows == 3

    def test_rows_are_counted_by_the_footers_where_the_log_does_not(self, tmp_path: Path) -> None:
        root = write_table(tmp_path / "t", SCHEMA, [], partition_by=["k"])
        add = File(pa.table({"id": [1, 2]}), "a.parquet", {"k": "a"}).write(root)
        del add["add"]["stats"]
        commit(root, 1, add)
        found = Snapshot(deltalake.DeltaTable(str(root)), str(root))
        assert found.rows_in_log() is None
        assert read_contents(found).rows == 2

    def test_a_file_that_is_no_parquet_file_is_named(self, snapshot: Snapshot) -> None:
        Path(snapshot.paths[1]).write_text("x")
        with pytest.raises((OSError, ValueError), match=r"k=b/2\.parquet"):
            read_contents(snapshot)

    def test_what_the_files_hold_is_told(self, snapshot: Snapshot) -> None:
        contents = read_contents(snapshot)
        assert contents.is_uniform
        assert not (contents.has_other_types or contents.int96_columns or contents.has_dictionaries)
        assert snapshot.beyond_files == "partition columns (k)"
