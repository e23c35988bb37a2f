"""Delta tables: read from the log, checked, and never more than their files without saying so."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import Column, DeltaTable, Filter
from neuralake.config import Settings
from neuralake.errors import CatalogError, SchemaMismatchError
from tests.delta.make import actions, commit, deletion_vector, log_file

COLUMNS = (Column("id", pa.int64()), Column("name", pa.string()))
ROWS = pa.table({"id": [1, 2, 3], "name": ["ada", "bob", "cyd"]})


@pytest.fixture
def people(tmp_path: Path, settings: Settings) -> DeltaTable:
    write_deltalake(str(tmp_path / "people"), ROWS)
    return DeltaTable(name="people", location="people", columns=COLUMNS).resolve(settings)


def of_parquet(path: Path) -> None:
    path.mkdir()
    pq.write_table(ROWS, path / "a.parquet")


def delete_by_vector(table: DeltaTable, *rows: int) -> None:
    (add,) = [action["add"] for action in actions(Path(table.uri), 0) if "add" in action]
    remove = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True}
    commit(
        Path(table.uri),
        1,
        {"remove": remove},
        {"add": {**add, "deletionVector": deletion_vector(*rows)}},
    )


def test_a_table_is_its_rows_its_schema_its_files_and_its_version(people: DeltaTable) -> None:
    people.check()
    assert people.newest_version() == 0
    assert people.arrow_schema() == ROWS.schema
    assert people.lazy().collect().rows() == [(1, "ada"), (2, "bob"), (3, "cyd")]
    assert pq.read_table(people.files()) == ROWS


def test_every_reading_is_of_the_newest_snapshot(people: DeltaTable) -> None:
    write_deltalake(people.uri, pa.table({"id": [4], "name": ["dee"]}), mode="overwrite")
    assert people.newest_version() == 1
    assert people.lazy().collect().rows() == [(4, "dee")]
    assert len(people.files()) == 1


def test_a_snapshot_stays_what_was_checked(people: DeltaTable) -> None:
    snapshot = people.snapshot()
    write_deltalake(people.uri, ROWS, mode="append")
    assert (snapshot.version(), people.newest_version()) == (0, 1)


def test_filters_and_columns_are_in_the_scan(people: DeltaTable) -> None:
    plan = people.lazy([Filter("id", ">", 1)], ["name"]).explain()
    assert "Parquet SCAN" in plan
    assert 'SELECTION: col("id") > 1' in plan
    assert "FILTER" not in plan
    assert "PROJECT 2/2 COLUMNS" in plan
    assert "PROJECT 1/2 COLUMNS" in people.lazy(columns=["name"]).explain()


def test_nothing_is_scanned_of_a_table_that_differs_from_its_declaration(
    people: DeltaTable,
) -> None:
    write_deltalake(
        people.uri,
        pa.table({"id": [1.5], "name": ["x"]}),
        mode="overwrite",
        schema_mode="overwrite",
    )
    for read in (people.check, people.snapshot, people.files, people.lazy):
        with pytest.raises(SchemaMismatchError, match=r"people\.id is double, declared as int64"):
            read()


def test_an_empty_table_has_a_schema_and_no_rows(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path), ROWS.slice(0, 0))
    empty = DeltaTable(name="people", location=str(tmp_path), columns=COLUMNS)
    assert sum(pq.read_metadata(file).num_rows for file in empty.files()) == 0
    assert empty.lazy([Filter("id", ">", 1)]).collect().rows() == []


@pytest.mark.parametrize("directory", ["my people", "peßple", "a#b", "a?b", "a[b]*", "a=b", "5%"])
def test_a_path_may_have_any_character(tmp_path: Path, directory: str) -> None:
    (tmp_path / "plain").mkdir()
    write_deltalake(str(tmp_path / "plain"), ROWS)
    (tmp_path / "plain").rename(tmp_path / directory)
    people = DeltaTable(name="people", location=str(tmp_path / directory), columns=COLUMNS)
    assert pq.read_table(people.files(), partitioning=None) == ROWS
    assert people.lazy([Filter("id", "=", 2)], ["name"]).collect().rows() == [("bob",)]


def test_a_path_that_deltalake_would_take_for_another_is_refused(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "new"), ROWS)
    (tmp_path / "a b").mkdir()
    (tmp_path / "new").rename(tmp_path / "a%20b")
    with pytest.raises(CatalogError, match=r"deltalake cannot open .*a%20b"):
        DeltaTable(name="people", location=str(tmp_path / "a%20b")).check()


@pytest.mark.parametrize("name", ["a\\b", "a\tb", "a\x7fb", "a\udcffb"])
def test_a_place_that_deltalake_cannot_name_is_refused(name: str, tmp_path: Path) -> None:
    """It takes a backslash for a slash, and so would read another table where there is one."""
    write_deltalake(str(tmp_path / "a" / "b"), ROWS)
    settings = Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(tmp_path)})
    with pytest.raises(CatalogError, match=r"table t: the location .*: expected a path in UTF-8"):
        DeltaTable(name="t", location=name).resolve(settings)


def test_columns_that_came_later_are_null_before(tmp_path: Path) -> None:
    for directory in ("people", "my people"):
        (tmp_path / "new").mkdir()
        write_deltalake(str(tmp_path / "new"), ROWS.select(["id"]))
        write_deltalake(str(tmp_path / "new"), ROWS, mode="append", schema_mode="merge")
        (tmp_path / "new").rename(tmp_path / directory)
        people = DeltaTable(name="people", location=str(tmp_path / directory), columns=COLUMNS)
        rows = people.lazy([Filter("name", "is null")]).collect()
        assert sorted(rows["id"]) == [1, 2, 3]


def test_a_version_may_be_chosen(people: DeltaTable) -> None:
    write_deltalake(people.uri, ROWS, mode="append")
    before = replace(people, version=0)
    assert (people.rows(), before.rows()) == (6, 3)
    assert before.newest_version() == 1
    assert before.lazy().collect().height == 3


def test_a_version_that_is_not_there_is_told(people: DeltaTable) -> None:
    with pytest.raises(CatalogError, match=r"^table people has no version 7: 0 is its last$"):
        replace(people, version=7).check()


def test_a_data_file_that_is_gone_is_said(tmp_path: Path) -> None:
    people = DeltaTable(name="people", location=str(tmp_path / "people"), columns=COLUMNS)
    write_deltalake(people.uri, ROWS)
    Path(people.files()[0]).unlink()
    with pytest.raises(CatalogError, match=r"table people: a data file of .* cannot be read: "):
        people.contents()


class TestWhatFilesAloneDoNotTell:
    def test_partition_columns(self, tmp_path: Path) -> None:
        write_deltalake(str(tmp_path), ROWS, partition_by=["name"])
        people = DeltaTable(name="people", location=str(tmp_path), columns=COLUMNS)
        with pytest.raises(CatalogError, match=r"plain files: it has partition columns \(name\)"):
            people.files()
        assert people.lazy([Filter("name", "=", "bob")]).collect().rows() == [(2, "bob")]

    def test_deletion_vectors(self, tmp_path: Path) -> None:
        write_deltalake(str(tmp_path), ROWS, configuration={"delta.enableDeletionVectors": "true"})
        people = DeltaTable(name="people", location=str(tmp_path), columns=COLUMNS)
        assert len(people.files()) == 1, "the feature alone deletes nothing"
        delete_by_vector(people, 1)
        with pytest.raises(CatalogError, match="plain files: it has deletion vectors"):
            people.files()
        assert people.lazy().collect()["id"].to_list() == [1, 3]

    def test_deletion_vectors_under_a_path_that_is_encoded(self, tmp_path: Path) -> None:
        write_deltalake(
            str(tmp_path / "new"), ROWS, configuration={"delta.enableDeletionVectors": "true"}
        )
        (tmp_path / "new").rename(tmp_path / "my people")
        people = DeltaTable(name="people", location=str(tmp_path / "my people"), columns=COLUMNS)
        delete_by_vector(people, 1)
        assert people.lazy().collect()["id"].to_list() == [1, 3]
        assert people.rows() == 2

    def test_column_mapping(self, people: DeltaTable) -> None:
        first = actions(Path(people.uri), 0)
        metadata = next(action["metaData"] for action in first if "metaData" in action)
        schema = json.loads(metadata["schemaString"])
        for number, field in enumerate(schema["fields"], start=1):
            field["metadata"] = {
                "delta.columnMapping.id": number,
                "delta.columnMapping.physicalName": field["name"],
            }
        metadata["schemaString"] = json.dumps(schema)
        metadata["configuration"] = {
            "delta.columnMapping.mode": "name",
            "delta.columnMapping.maxColumnId": "2",
        }
        protocol = {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}}
        commit(
            Path(people.uri), 0, protocol, *[action for action in first if "protocol" not in action]
        )
        with pytest.raises(CatalogError, match="plain files: it has column mapping"):
            people.files()

    def test_a_feature_of_the_future(self, people: DeltaTable) -> None:
        protocol = {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": ["timeInSpace"],
            "writerFeatures": ["timeInSpace"],
        }
        rest = [action for action in actions(Path(people.uri), 0) if "protocol" not in action]
        commit(Path(people.uri), 0, {"protocol": protocol}, *rest)
        for read in (people.files, people.contents, people.lazy):
            with pytest.raises(CatalogError, match="timeInSpace"):
                read()


class TestWhatIsNoDeltaTable:
    @pytest.mark.parametrize(
        ("make", "found"),
        [
            (lambda path: None, "which does not exist"),
            (lambda path: path.write_text("rows"), "which is a file"),
            (lambda path: path.mkdir(), "a directory without _delta_log"),
            (of_parquet, "without _delta_log: declare it as ParquetTable"),
            (lambda path: (path / "_delta_log").mkdir(parents=True), ""),
        ],
    )
    def test_is_said_to_be_none(
        self, make: Any, found: str, tmp_path: Path, settings: Settings
    ) -> None:
        make(tmp_path / "people")
        people = DeltaTable(name="people", location="people").resolve(settings)
        for read in (
            people.check,
            people.newest_version,
            people.arrow_schema,
            people.files,
            people.lazy,
        ):
            with pytest.raises(CatalogError) as caught:
                read()
            assert f"table people: no Delta table at {tmp_path}/people" in str(caught.value)
            assert found in str(caught.value)

    @pytest.mark.parametrize("log", ["{", '{"add": 1}\n', '{"metaData": {}}\n', "\x1b[31m"])
    def test_is_an_error_of_one_line_if_its_log_is_broken(
        self, people: DeltaTable, log: str
    ) -> None:
        log_file(Path(people.uri), 0).write_text(log)
        with pytest.raises(CatalogError) as caught:
            people.check()
        message = str(caught.value)
        assert message.startswith(f"table people: no readable Delta table at {people.uri}: ")
        assert message.isprintable()

    def test_is_not_looked_for_in_the_working_directory(self) -> None:
        with pytest.raises(CatalogError, match=r"relative location 'people': call resolve"):
            DeltaTable(name="people", location="people").check()
