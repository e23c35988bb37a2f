"""A table that is read again follows its log: nothing is read twice, and nothing missed."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import deltalake
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from neuralake.catalog import About, Catalog, Column, Database, DeltaTable
from neuralake.catalog.promises import check_catalog
from neuralake.errors import CatalogError, SchemaMismatchError


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often a whole log is read: that cannot be seen from outside."""
    found: list[int] = []
    init = deltalake.DeltaTable.__init__

    def counted(self: deltalake.DeltaTable, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        found.append(self.version())

    monkeypatch.setattr(deltalake.DeltaTable, "__init__", counted)
    return found


@pytest.fixture
def table(tmp_path: Path) -> DeltaTable:
    write_deltalake(tmp_path / "t", pa.table({"v": [0]}))
    return DeltaTable(name="t", location=str(tmp_path / "t"), columns=(Column("v", pa.int64()),))


def append(table: DeltaTable, *values: int) -> None:
    write_deltalake(table.uri, pa.table({"v": list(values)}), mode="append")


def values(table: DeltaTable) -> list[int]:
    return sorted(table.lazy().collect()["v"].to_list())


def test_the_log_is_read_once_and_then_followed(table: DeltaTable, loads: list[int]) -> None:
    assert values(table) == [0]
    for value in (1, 2, 3):
        append(table, value)
        loads.clear()
        assert values(table) == list(range(value + 1))
        assert values(table) == list(range(value + 1))
        assert loads == []
    deltalake.DeltaTable(table.uri).delete("v = 1")
    deltalake.DeltaTable(table.uri).optimize.compact()
    loads.clear()
    assert values(table) == [0, 2, 3]
    assert loads == []


def test_a_lazy_frame_stays_at_its_version(table: DeltaTable) -> None:
    before = table.lazy()
    held = table.contents()
    append(table, 1)
    assert values(table) == [0, 1]
    assert before.collect()["v"].to_list() == [0]
    assert (held.snapshot.version, len(held.snapshot.paths)) == (0, 1)


def test_a_version_that_is_declared_is_read_once(table: DeltaTable, loads: list[int]) -> None:
    append(table, 1)
    then = table.as_of(version=0)
    assert values(then) == [0]
    append(table, 2)
    loads.clear()
    assert values(then) == [0]
    assert loads == []


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()], ids=["whole", "float"])
def test_a_table_that_is_pinned_and_opened_is_read_once(
    tmp_path: Path, loads: list[int], kind: pa.DataType
) -> None:
    # A float's files are looked at for a NaN that they hide
    write_deltalake(tmp_path / "t", pa.table({"v": pa.array([0], kind)}))
    table = DeltaTable(name="t", location=str(tmp_path / "t"))
    loads.clear()
    pinned = table.pinned()
    assert values(pinned) == [0]
    assert loads == [0]
    append(table, 1)
    assert (values(pinned), pinned.pinned().version) == ([0], 0)
    assert (values(table), table.pinned().version) == ([0, 1], 1)


def test_another_table_in_its_place_is_found(table: DeltaTable, loads: list[int]) -> None:
    append(table, 1)
    assert values(table) == [0, 1]
    shutil.rmtree(table.uri)
    for value in (7, 8):
        append(table, value)
    loads.clear()
    assert values(table) == [7, 8]
    assert loads == [1]
    shutil.rmtree(table.uri)
    with pytest.raises(CatalogError, match=r"no Delta table at .*, which does not exist"):
        table.lazy()


def test_a_log_that_was_cleaned_up_meanwhile_is_read_anew(table: DeltaTable) -> None:
    assert values(table) == [0]
    for value in range(1, 6):
        append(table, value)
    deltalake.DeltaTable(table.uri).create_checkpoint()
    for version in range(5):
        (Path(table.uri) / "_delta_log" / f"{version:020d}.json").unlink()
    assert values(table) == list(range(6))
    append(table, 6)
    assert values(table) == list(range(7))


def test_a_change_of_the_schema_is_checked(table: DeltaTable) -> None:
    assert values(table) == [0]
    write_deltalake(table.uri, pa.table({"w": ["x"]}), mode="overwrite", schema_mode="overwrite")
    with pytest.raises(SchemaMismatchError, match="table t has no column v"):
        table.lazy()


def test_what_is_handed_out_may_be_changed(table: DeltaTable) -> None:
    assert values(table) == [0]
    table.snapshot().delete("v = 0")
    append(table, 1)
    assert values(table) == [1]


def test_it_stays_in_its_process_and_its_table(table: DeltaTable, tmp_path: Path) -> None:
    assert values(table) == [0]
    write_deltalake(tmp_path / "u", pa.table({"v": [5]}))
    assert values(replace(table, location=str(tmp_path / "u"))) == [5]
    copied = pickle.loads(pickle.dumps(table))
    assert copied == table
    assert hash(copied) == hash(table)
    assert values(copied) == [0]


def test_the_base_of_a_view_is_read_once(table: DeltaTable, loads: list[int]) -> None:
    columns = (*table.columns, Column("w", pa.int64()))
    view = replace(table, columns=columns, missing_columns="null")
    assert values(view) == [0]
    assert view.rows() == 1
    assert loads == [0]
    append(table, 1)
    loads.clear()
    assert values(view) == [0, 1]
    assert loads == []


@pytest.mark.parametrize("missing", ["refuse", "null"])
def test_a_check_of_a_catalog_reads_each_log_once(
    table: DeltaTable, loads: list[int], missing: Literal["refuse", "null"]
) -> None:
    promised = replace(table, missing_columns=missing, about=About(freshness=timedelta(hours=1)))
    other = replace(promised, name="other", primary_key=("v",))
    catalog = Catalog((Database("shop", (promised, other)),))
    findings = check_catalog(catalog, datetime.now(UTC))
    assert {finding.outcome for finding in findings} == {"passed"}
    assert [finding.subject for finding in findings].count("freshness") == 2
    assert loads == [0, 0]
