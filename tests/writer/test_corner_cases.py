"""Tables and moments that are not the ordinary ones."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pytest

from neuralake.delta.disk import DiskStore
from neuralake.delta.log import entry_path
from neuralake.writer import Writer
from neuralake.writer.errors import BatchError, UnsupportedTableError, WriterError
from tests.delta.make import actions, commit, write_table
from tests.more import few
from tests.writer.conftest import events, put_store
from tests.writer.test_append import files_of, ids

Make = Callable[..., str]
ID = pa.schema([("id", pa.int64())])


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ("id < 5", r"row 5 breaks the constraint c \(id < 5\)"),
        ("id <> 3 AND value >= 0", "row 3 breaks the constraint c"),
        ("device IN ('rig-0', 'rig-1')", "row 2 breaks the constraint c"),
        ("value IS NULL OR value < 4", "row 8 breaks the constraint c"),
        ("lower(device) = device AND id < 7", "row 7 breaks the constraint c"),
    ],
)
def test_a_batch_that_breaks_a_constraint_is_refused(
    make_table: Make, constraint: str, message: str
) -> None:
    path = make_table()
    deltalake.DeltaTable(path).alter.add_constraint({"c": constraint})
    with Writer(path) as writer, pytest.raises(BatchError, match=message):
        writer.append(events(0))
    assert ids(path) == []
    assert not files_of(path)


def test_a_constraint_that_is_null_is_broken(make_table: Make) -> None:
    path = make_table()
    deltalake.DeltaTable(path).alter.add_constraint({"c": "value > 0"})
    with Writer(path) as writer, pytest.raises(BatchError, match="row 0 breaks"):
        writer.append(pa.table({"id": [1], "device": ["x"], "value": [None]}))


@pytest.mark.parametrize(
    "expression", ["device RLIKE 'a'", "id % 2 = 0", "some_function(id) > 1", "no_such > 1", "id +"]
)
def test_a_constraint_that_cannot_be_verified_is_refused_by_name(
    tmp_path: Path, expression: str
) -> None:
    kind = pa.schema([("id", pa.int64()), ("device", pa.string())])
    said = {"delta.constraints.odd": expression}
    write_table(tmp_path / "t", kind, [], writer_features=["checkConstraints"], configuration=said)
    with pytest.raises(UnsupportedTableError, match=r"the constraint odd .* cannot be verified"):
        Writer(str(tmp_path / "t"))


def test_an_invariant_of_a_column_is_verified(tmp_path: Path) -> None:
    write_table(tmp_path / "t", ID, [])
    protocol, metadata = actions(tmp_path / "t", 0)
    schema = json.loads(metadata["metaData"]["schemaString"])
    invariant = json.dumps({"expression": {"expression": "id > 3"}})
    schema["fields"][0]["metadata"] = {"delta.invariants": invariant}
    metadata["metaData"]["schemaString"] = json.dumps(schema)
    commit(tmp_path / "t", 0, protocol, metadata)
    with Writer(str(tmp_path / "t")) as writer:
        writer.append(pa.table({"id": [4]}))
        with pytest.raises(BatchError, match=r"row 1 breaks the constraint id \(id > 3\)"):
            writer.append(pa.table({"id": [4, 3]}))


@pytest.mark.parametrize("feature", ["clustering", "variantType", "rowTracking"])
def test_a_feature_that_is_not_kept_is_refused_by_name(tmp_path: Path, feature: str) -> None:
    on = {"delta.enableRowTracking": "true"}
    write_table(tmp_path / "t", ID, [], writer_features=[feature], configuration=on)
    with pytest.raises(UnsupportedTableError, match=f"the feature {feature}, which"):
        Writer(str(tmp_path / "t"))


def test_a_protocol_that_is_upgraded_meanwhile_is_looked_at(tmp_path: Path) -> None:
    write_table(tmp_path / "t", ID, [])
    protocol = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["appendOnly"]}
    with Writer(str(tmp_path / "t")) as writer:
        commit(tmp_path / "t", 1, {"protocol": protocol})
        assert writer.append(pa.table({"id": [1]})).version == 2
        commit(tmp_path / "t", 3, {"protocol": {**protocol, "writerFeatures": ["clustering"]}})
        with pytest.raises(UnsupportedTableError, match="clustering"):
            writer.append(pa.table({"id": [2]}))
    assert not (tmp_path / "t" / entry_path(4)).exists()
    assert len(files_of(str(tmp_path / "t"))) == 1


def test_a_version_that_is_missing_in_the_log_is_told(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        for i in range(3):
            writer.append(events(10 * i))
    (Path(path) / entry_path(2)).unlink()
    with pytest.raises(WriterError, match="no entry of version 2"):
        Writer(path)


def test_a_table_with_a_checkpoint_of_version_2_is_appended_to(tmp_path: Path) -> None:
    root = tmp_path / "t"
    write_table(root, ID, [], features=["v2Checkpoint"])
    protocol, metadata = actions(root, 0)
    txn = {"txn": {"appId": "a", "version": 5}}
    name = f"{0:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"
    lines = [{"checkpointMetadata": {"version": 0}}, protocol, metadata, txn]
    (root / "_delta_log" / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Writer(str(root), "a") as writer:
        assert writer.append(pa.table({"id": [1]}), sequence=5).is_repeated
        assert writer.append(pa.table({"id": [1]}), sequence=6).version == 1


def test_an_empty_string_is_no_partition_value(tmp_path: Path) -> None:
    kind = pa.schema([("id", pa.int64()), ("k", pa.string())])
    write_table(tmp_path / "t", kind, [], partition_by=["k"])
    with Writer(str(tmp_path / "t")) as writer:
        with pytest.raises(BatchError, match="column 'k' has an empty string: as a partition"):
            writer.append(pa.table({"id": [1, 2], "k": ["a", ""]}))
        writer.append(pa.table({"id": [1], "k": ["a"]}))
    assert ids(str(tmp_path / "t")) == [1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "column 'k' has an empty sequence of bytes: as a partition value"),
        (b"\xff", "column 'k' has the bytes b'.xff': as a partition value they must be ASCII"),
    ],
)
def test_bytes_of_which_readers_make_different_things_are_no_partition_value(
    tmp_path: Path, value: bytes, message: str
) -> None:
    kind = pa.schema([("id", pa.int64()), ("k", pa.binary())])
    write_table(tmp_path / "t", kind, [], partition_by=["k"])
    with Writer(str(tmp_path / "t")) as writer:
        with pytest.raises(BatchError, match=message):
            writer.append(pa.table({"id": [1, 2], "k": [b"a", value]}, kind))
        writer.append(pa.table({"id": [1, 2], "k": [b"a/\x00%", None]}, kind))
    found = deltalake.DeltaTable(str(tmp_path / "t")).to_pyarrow_table().sort_by("id")
    assert found["k"].to_pylist() == [b"a/\x00%", None]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ü" * 127, "column 'k' has a value of 256 bytes as a name of a directory"),
        ("%" * 100, "column 'k' has a value of 302 bytes"),
        ("__HIVE_DEFAULT_PARTITION__", "some readers take it for null"),
    ],
)
def test_a_text_that_no_directory_can_tell_is_no_partition_value(
    tmp_path: Path, value: str, message: str
) -> None:
    """Polars takes the value from there, and not from the log."""
    kind = pa.schema([("id", pa.int64()), ("k", pa.string())])
    write_table(tmp_path / "t", kind, [], partition_by=["k"])
    with Writer(str(tmp_path / "t")) as writer:
        with pytest.raises(BatchError, match=message):
            writer.append(pa.table({"id": [1], "k": [value]}, kind))
        writer.append(pa.table({"id": [1, 2], "k": ["ü" * 126, "a\0b"]}, kind))
    found = pl.read_delta(str(tmp_path / "t")).sort("id")
    assert found["k"].to_list() == ["ü" * 126, "a\0b"]


@pytest.mark.parametrize("count", few([1_000, 10_000]))
def test_thousands_of_partitions_are_one_commit(tmp_path: Path, count: int) -> None:
    kind = pa.schema([("id", pa.int64()), ("k", pa.int64())])
    write_table(tmp_path / "t", kind, [], partition_by=["k"])
    with Writer(str(tmp_path / "t")) as writer:
        both = list(range(count)) * 2
        done = writer.append(pa.table({"id": list(range(2 * count)), "k": both}))
    assert (done.version, done.rows) == (1, 2 * count)
    handle = deltalake.DeltaTable(tmp_path / "t")
    adds = pa.table(handle.get_add_actions(flatten=True))
    assert adds.num_rows == count
    assert sorted(adds["partition.k"].to_pylist()) == list(range(count))
    assert set(adds["num_records"].to_pylist()) == {2}


def test_a_large_batch_is_one_file_within_memory(make_table: Make) -> None:
    """Half a GiB of Arrow, of which the process holds hardly more than its Parquet beside it."""
    path = make_table(pa.schema([("id", pa.int64()), ("x", pa.int64())]))
    rows = 1 << 25
    one = pa.array(range(1 << 16))
    column = pa.chunked_array([one] * (rows >> 16))  # shared: it says 512 MiB, and costs less
    batch = pa.table({"id": column, "x": column})
    assert batch.nbytes >= 1 << 29
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Writer(path) as writer:
        done = writer.append(batch)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert done.rows == rows
    assert grown < 1 << 29
    assert pl.scan_delta(path).select(pl.len(), pl.col("x").sum()).collect().row(0) == (
        rows,
        (rows >> 16) * sum(range(1 << 16)),
    )


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path: Path, make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        writer.append(events(0))
    done = subprocess.run(
        [sys.executable, "-c", FULL, path],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("cannot be written: ")
    assert "File too large" in done.stdout
    assert ids(path) == list(range(10))
    assert deltalake.DeltaTable(path).version() == 1
    with Writer(path) as writer:
        writer.append(events(10))
    assert ids(path) == list(range(20))


# A limit for files stands for a full disk: both end in the middle of a write
FULL = """
import resource, signal, sys
from neuralake.writer import Writer
from neuralake.writer.errors import WriterError
from tests.writer.conftest import events, put_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
with Writer(sys.argv[1]) as writer:
    try:
        writer.append(events(10, 100_000))
    except WriterError as error:
        print(str(error).split(sys.argv[1] + " ")[1])
"""


def test_a_directory_that_may_not_be_written_is_told(make_table: Make) -> None:
    class ReadOnly(DiskStore):
        def begin(self, path: str, content: bytes) -> Callable[[], None]:
            raise PermissionError(13, "Permission denied", path)

    path = make_table()
    with Writer(path) as writer:
        put_store(writer, ReadOnly(path))
        with pytest.raises(WriterError, match=r"cannot be written: .*Permission denied"):
            writer.append(events(0))
    if os.geteuid() != 0:  # root writes everywhere
        Path(path).chmod(0o555)
        with Writer(path) as writer, pytest.raises(WriterError, match="Permission denied"):
            writer.append(events(0))
    assert ids(path) == []


class TestEvolution:
    """Columns that a batch has beyond its table."""

    def test_are_refused_unless_asked_for(self, make_table: Make) -> None:
        batch = events(0).append_column("note", pa.array(["x"] * 10))
        with Writer(make_table()) as writer, pytest.raises(BatchError, match="no column 'note'"):
            writer.append(batch)

    def test_are_added_and_may_be_null(self, make_table: Make) -> None:
        path = make_table()
        with Writer(path, evolve=True) as writer:
            writer.append(events(0, 2))
            note = pa.array(["x"] * 2).dictionary_encode()
            deep = pa.array([{"a": [1]}] * 2)
            wider = events(2, 2).append_column(pa.field("note", note.type, nullable=False), note)
            assert writer.append(wider.append_column("deep", deep)).version == 3
            assert writer.append(events(4, 1)).version == 4
        rows = pl.scan_delta(path).collect().sort("id")
        assert rows["note"].to_list() == [None, None, "x", "x", None]
        assert rows["deep"].to_list() == [None, None, {"a": [1]}, {"a": [1]}, None]

    def test_that_somebody_else_added_meanwhile_are_not_added_twice(self, make_table: Make) -> None:
        path = make_table()
        batch = events(0, 1).append_column("note", pa.array(["x"]))
        with Writer(path, evolve=True) as one, Writer(path, evolve=True) as two:
            one.append(batch)
            two.append(batch)
        assert deltalake.DeltaTable(path).version() == 3
        assert pl.scan_delta(path).collect()["note"].to_list() == ["x", "x"]

    def test_have_ids_and_names_of_their_own_where_columns_are_mapped(self, tmp_path: Path) -> None:
        write_table(
            *(tmp_path / "t", ID, []),
            physical={"id": "col-1"},
            configuration={"delta.columnMapping.maxColumnId": "1"},
        )
        deep = pa.array([{"a": 1}])
        with Writer(str(tmp_path / "t"), evolve=True) as writer:
            writer.append(pa.table({"id": [1], "deep": deep}))
            configuration = writer.state.configuration
            fields = json.loads(writer.state.metadata.schema_string)["fields"]
        assert configuration["delta.columnMapping.maxColumnId"] == "3"
        assert fields[1]["metadata"]["delta.columnMapping.id"] == 2
        assert fields[1]["type"]["fields"][0]["metadata"]["delta.columnMapping.id"] == 3

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [
            ("ID", pa.array([1]), "differs from 'id' by case only"),
            ("t", pa.array([0], pa.timestamp("us")), "lacks timestampNtz"),
            ("d", pa.array([0], pa.duration("us")), "Delta has no type for the column 'd'"),
            ("n", pa.nulls(1), "column 'n' is null, which is not written here"),
            ("s", pa.array([{"a": 1, "A": 2}]), "Delta has no type for the column 's'"),
            ("a b", pa.array([1]), "column 'a b' has no name that Delta takes without"),
            ("", pa.array([1]), "column '' has no name"),
            ("deep", pa.array([[{"a;b": 1}]]), "column 'a;b' has no name"),
        ],
    )
    def test_that_no_table_could_have_are_refused(
        self, make_table: Make, name: str, values: pa.Array, message: str
    ) -> None:
        path = make_table()
        with Writer(path, evolve=True) as writer, pytest.raises(BatchError, match=message) as told:
            writer.append(events(0, 1).append_column(name, values))
        assert "\n" not in str(told.value)
        assert deltalake.DeltaTable(path).version() == 0
