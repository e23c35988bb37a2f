"""Tables of a run's own: what is done to them is seen in no other."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import PlaceError
from neuralake.workloads.phases.copies import check_copyable, copy_tables
from neuralake.workloads.places import Target


@pytest.fixture
def table(tmp_path: Path) -> DeltaTable:
    where = tmp_path / "original"
    deltalake.write_deltalake(
        where, pa.table({"k": [1, 2, 3], "p": ["a", "b", "b"]}), partition_by="p"
    )
    deltalake.write_deltalake(where, pa.table({"k": [4], "p": ["c"]}), mode="append")
    deltalake.DeltaTable(where).create_checkpoint()
    return DeltaTable(name="t", location=str(where))


def files(where: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(where)): path.read_bytes()
        for path in sorted(where.rglob("*"))
        if path.is_file()
    }


def test_a_copy_has_the_same_rows_and_versions(table: DeltaTable, tmp_path: Path) -> None:
    copies = copy_tables({"t": table}, Target(str(tmp_path / "copies")))
    copy = copies["t"]
    assert copy.uri == str(tmp_path / "copies/t")
    assert copy.pinned().version == 1
    assert copy.lazy().sort("k").collect()["k"].to_list() == [1, 2, 3, 4]
    assert files(Path(copy.uri)) == files(Path(table.uri))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_copy_ends_with_the_version_that_is_pinned(
    table: DeltaTable, tmp_path: Path, version: int
) -> None:
    deltalake.write_deltalake(table.uri, pa.table({"k": [9], "p": ["a"]}), mode="append")
    deltalake.DeltaTable(table.uri).create_checkpoint()
    pinned = replace(table, version=version)
    copy = copy_tables({"t": pinned}, Target(str(tmp_path / "copies")))["t"]
    assert copy.newest_version() == version
    rows = copy.lazy().sort("k").collect()
    assert rows["k"].to_list() == pinned.lazy().sort("k").collect()["k"].to_list()
    deltalake.DeltaTable(copy.uri).delete("k = 1")
    assert copy.newest_version() == version + 1


def test_data_files_are_linked_and_the_log_is_not(table: DeltaTable, tmp_path: Path) -> None:
    copy = copy_tables({"t": table}, Target(str(tmp_path / "copies")))["t"]
    for name in files(Path(copy.uri)):
        is_same = (Path(copy.uri) / name).samefile(Path(table.uri) / name)
        assert is_same == (not name.startswith("_delta_log")), name


def test_whatever_is_done_to_a_copy_the_original_stays(table: DeltaTable, tmp_path: Path) -> None:
    before = files(Path(table.uri))
    copy = copy_tables({"t": table}, Target(str(tmp_path / "copies")))["t"]
    changed = deltalake.DeltaTable(copy.uri)
    deltalake.write_deltalake(changed, pa.table({"k": [5], "p": ["a"]}), mode="append")
    changed.delete("k < 3")
    changed.optimize.compact()
    changed.vacuum(0, dry_run=False, enforce_retention_duration=False)
    changed.create_checkpoint()
    assert files(Path(table.uri)) == before
    assert copy.lazy().sort("k").collect()["k"].to_list() == [3, 4, 5]


def test_a_table_with_files_elsewhere_has_no_copy(table: DeltaTable, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / "_delta_log").mkdir(parents=True)
    entry = Path(table.uri) / "_delta_log/00000000000000000000.json"
    log = entry.read_text().replace('"path":"', f'"path":"file://{table.uri}/')
    (clone / "_delta_log" / entry.name).write_text(log)
    shallow = DeltaTable(name="t", location=str(clone))
    with pytest.raises(PlaceError, match=r"table t at .* has data files elsewhere \(.*original"):
        copy_tables({"t": shallow}, Target(str(tmp_path / "copies")))
    assert not (tmp_path / "copies").exists()


def test_a_copy_lies_where_its_original_lies(table: DeltaTable) -> None:
    with pytest.raises(PlaceError, match="both on disk, or both on object storage"):
        check_copyable({"t": table}, Target("s3://bucket/copies"))


def test_a_copy_within_a_table_is_refused(table: DeltaTable, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(table.uri)
    for place in (table.uri, f"{table.uri}/below/it", str(tmp_path / "link" / "x")):
        with pytest.raises(PlaceError, match="its copy would within it, at"):
            check_copyable({"t": table}, Target(place))
    check_copyable({"t": table}, Target(f"{table.uri}-copies"))


def test_of_many_files_that_cannot_be_copied_one_is_told(table: DeltaTable, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(PlaceError, match="table t cannot be copied to") as told:
            copy_tables({"t": table}, Target(str(tmp_path / "copies")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(told.value).count("File too large") == 1


def test_a_place_that_cannot_be_written_is_told(table: DeltaTable, tmp_path: Path) -> None:
    (tmp_path / "copies").write_text("a file")
    with pytest.raises(PlaceError, match="table t cannot be copied"):
        copy_tables({"t": table}, Target(str(tmp_path / "copies")))
