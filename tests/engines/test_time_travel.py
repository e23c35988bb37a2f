"""Each engine reads the rows that a table had at a version, or at a moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.protocol import Engine
from neuralake.errors import NoSuchVersionError

START = datetime(2026, 1, 1, tzinfo=UTC)
Rows = dict[int, str]  # the model: a value by its key
Change = Callable[[str, Rows], None]


def rows(first: int, count: int, text: str) -> pa.Table:
    keys = range(first, first + count)
    return pa.table({"k": pa.array(keys, pa.int64()), "v": [f"{text}{k}" for k in keys]})


def append(uri: str, model: Rows) -> None:
    new = rows(max(model, default=-1) + 1, 40, "appended")
    write_deltalake(uri, new, mode="append")
    model.update(zip(*new.to_pydict().values(), strict=True))


def delete(uri: str, model: Rows) -> None:
    deltalake.DeltaTable(uri).delete("k % 7 = 3")
    for key in [key for key in model if key % 7 == 3]:
        del model[key]


def merge(uri: str, model: Rows) -> None:
    new = rows(30, 60, "merged")
    merger = deltalake.DeltaTable(uri).merge(new, "t.k = s.k", source_alias="s", target_alias="t")
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
    model.update(zip(*new.to_pydict().values(), strict=True))


def compact(uri: str, model: Rows) -> None:
    del model
    deltalake.DeltaTable(uri).optimize.compact()


CHANGES: tuple[Change, ...] = (append, append, delete, merge, append, compact, delete)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[DeltaTable, list[Rows]]:
    """A table whose versions are an hour apart, with the rows that each of them has."""
    uri = str(tmp_path_factory.mktemp("lake") / "t")
    model: Rows = {}
    versions: list[Rows] = []
    for change in CHANGES:
        change(uri, model)
        entry = Path(uri, "_delta_log", f"{len(versions):020d}.json")
        at_s = (START + timedelta(hours=len(versions))).timestamp()
        os.utime(entry, (at_s, at_s))
        versions.append(dict(model))
    assert deltalake.DeltaTable(uri).version() == len(CHANGES) - 1
    return DeltaTable(name="t", location=uri), versions


def test_every_version_has_the_rows_that_it_had(
    engine: Engine, history: tuple[DeltaTable, list[Rows]]
) -> None:
    # Spark takes seconds a version: the one of a moment, from before files were rewritten
    check(engine, history, () if engine.name == "spark" else range(len(CHANGES)))


@pytest.mark.more
@pytest.mark.parametrize("engine", ["spark"], indirect=True)
def test_spark_finds_every_version(engine: Engine, history: tuple[DeltaTable, list[Rows]]) -> None:
    check(engine, history, range(len(CHANGES)))


def check(engine: Engine, history: tuple[DeltaTable, list[Rows]], numbers: Iterable[int]) -> None:
    """Compare versions, and what a moment and none tell, with the rows that there were."""
    table, versions = history
    tables = {f"v{n}": (table.as_of(version=n), versions[n]) for n in numbers}
    tables["at_a_moment"] = table.as_of(at=START + timedelta(minutes=150)), versions[2]
    tables["as_it_is"] = table, versions[-1]
    with closing(engine.open({name: of for name, (of, _) in tables.items()})) as session:
        for name, (_, expected) in tables.items():
            found = session.execute(f"SELECT k, v FROM {name}")
            assert sorted(found.column("k").to_pylist()) == sorted(expected), name
            assert dict(zip(*found.to_pydict().values(), strict=True)) == expected, name


@pytest.mark.more_of("spark")
def test_versions_of_one_table_are_joined(
    engine: Engine, history: tuple[DeltaTable, list[Rows]]
) -> None:
    table, versions = history
    with closing(engine.open({"old": table.as_of(version=1), "new": table})) as session:
        sql = "SELECT COUNT(*) AS n FROM old JOIN new ON old.k = new.k"
        common = len(versions[1].keys() & versions[-1].keys())
        assert session.execute(sql).column(0).to_pylist() == [common]


@pytest.mark.more_of("spark")
def test_what_a_vacuum_took_away_is_said_in_a_line(engine: Engine, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    model: Rows = {}
    for change in (append, append, compact):
        change(uri, model)
    table = deltalake.DeltaTable(uri)
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    lost = DeltaTable(name="t", location=uri, version=1)
    with pytest.raises(NoSuchVersionError) as raised:
        engine.open({"t": lost})
    assert "table t has version 1 no longer: a vacuum took away its data file" in str(raised.value)
    assert "\n" not in str(raised.value)
    with closing(engine.open({"t": lost.as_of()})) as session:
        counted = session.execute("SELECT COUNT(*) AS n FROM t").column(0).to_pylist()
    assert counted == [len(model)]
