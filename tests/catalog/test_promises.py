"""What a catalog says of itself, checked: each kind of fault is found, and hides no other."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable as Lake
from deltalake import write_deltalake

from neuralake.catalog import (
    About,
    Catalog,
    Column,
    Database,
    DeltaTable,
    Deprecated,
    ForeignKey,
    ParquetTable,
    Table,
    table,
)
from neuralake.catalog.promises import Finding, check_catalog, freshness
from neuralake.config import Settings
from neuralake.errors import CatalogError
from tests.conftest import Cli
from tests.delta.make import File, write_table

HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
ROWS = pa.table({"id": pa.array([1, 2], pa.int64())})


def promised(time: dt.timedelta = HOUR) -> About:
    return About(freshness=time)


def written(path: Path, at: dt.datetime) -> None:
    """Set when a file was written."""
    os.utime(path, (at.timestamp(), at.timestamp()))


def committed(root: Path, version: int, at: dt.datetime) -> None:
    """Set when the entry of a version was written."""
    written(root / "_delta_log" / f"{version:020}.json", at)


def findings(
    settings: Settings, *tables: Table, names: tuple[str, ...] = ()
) -> dict[tuple[str, str], tuple[str, str]]:
    catalog = Catalog((Database("shop", tables),)).resolve(settings)
    found = check_catalog(catalog, NOW, names)
    return {(f.table, f.subject): (f.outcome, f.detail) for f in found}


@pytest.fixture
def events(tmp_path: Path, settings: Settings) -> DeltaTable:
    """A table of which rows were last added forty minutes ago."""
    write_deltalake(str(tmp_path / "events"), ROWS)
    write_deltalake(str(tmp_path / "events"), ROWS, mode="append")
    committed(tmp_path / "events", 0, NOW - 5 * HOUR)
    committed(tmp_path / "events", 1, NOW - dt.timedelta(minutes=40))
    return DeltaTable(name="events", location="events", about=promised()).resolve(settings)


def test_the_newest_commit_of_rows_counts(events: DeltaTable) -> None:
    kept = freshness(events, NOW)
    assert kept is not None
    assert (kept.outcome, kept.age_s, kept.promised_s) == ("passed", 2400, 3600)
    assert kept.detail == "rows were changed 40 min ago, promised are 1 h"
    broken = freshness(events, NOW + HOUR)
    assert broken is not None
    assert broken.outcome == "failed"
    assert broken.detail == "rows were changed 1 h 40 min ago, promised are 1 h"


def test_what_changes_no_row_makes_nothing_fresh(events: DeltaTable) -> None:
    Lake(events.uri).optimize.compact()
    Lake(events.uri).alter.set_table_properties({"delta.appendOnly": "false"})
    for version in (2, 3):
        committed(Path(events.uri), version, NOW + 3 * HOUR)
    found = freshness(events, NOW + 4 * HOUR)
    assert found is not None
    assert found.outcome == "failed"
    assert found.changed_at == NOW - dt.timedelta(minutes=40)


def test_a_pinned_table_is_as_fresh_as_its_version(tmp_path: Path, settings: Settings) -> None:
    write_deltalake(str(tmp_path / "events"), ROWS)
    write_deltalake(str(tmp_path / "events"), ROWS, mode="append")
    committed(tmp_path / "events", 0, NOW - 5 * HOUR)
    pinned = DeltaTable(name="events", location="events", version=0, about=promised())
    found = freshness(pinned.resolve(settings), NOW)
    assert found is not None
    assert found.outcome == "failed"


def test_the_time_within_a_commit_goes_before_that_of_its_file(
    tmp_path: Path, settings: Settings
) -> None:
    """Files are copied, and touched; the entry's own time stays."""
    root = write_table(
        tmp_path / "events",
        ROWS.schema,
        [File(ROWS, "a.parquet")],
        writer_features=["inCommitTimestamp"],
        configuration={"delta.enableInCommitTimestamps": "true"},
    )
    entry = root / "_delta_log" / f"{0:020}.json"
    made = int((NOW - 2 * HOUR).timestamp() * 1000)
    lines = [json.loads(line) for line in entry.read_text().splitlines()]
    lines = [line for line in lines if "commitInfo" not in line]
    info = {"commitInfo": {"inCommitTimestamp": made, "operation": "WRITE"}}
    entry.write_text("".join(f"{json.dumps(line)}\n" for line in [info, *lines]))
    committed(root, 0, NOW)
    events = DeltaTable(name="events", location="events", about=promised()).resolve(settings)
    found = freshness(events, NOW)
    assert found is not None
    assert (found.outcome, found.age_s) == ("failed", 7200)


def test_entries_that_are_gone_tell_nothing(events: DeltaTable) -> None:
    Lake(events.uri).create_checkpoint()
    for version in (0, 1):
        (Path(events.uri) / "_delta_log" / f"{version:020}.json").unlink()
    found = freshness(events, NOW)
    assert found is not None
    assert found.outcome == "skipped"
    assert found.detail == "version 1 has no entry in the log any more"


def test_rows_changed_before_what_is_left_of_the_log_are_too_old(events: DeltaTable) -> None:
    Lake(events.uri).optimize.compact()
    committed(Path(events.uri), 2, NOW - dt.timedelta(minutes=30))
    Lake(events.uri).create_checkpoint()
    for version in (0, 1):
        (Path(events.uri) / "_delta_log" / f"{version:020}.json").unlink()
    found = freshness(events, NOW)
    assert found is not None
    assert found.outcome == "skipped"
    assert found.detail == "no entry that is left in the log changed a row"
    late = freshness(events, NOW + 2 * HOUR)
    assert late is not None
    assert late.outcome == "failed"
    assert "no row was changed by what was committed since 2 h 30 min ago" in late.detail


def test_a_time_to_come_is_a_wrong_clock(events: DeltaTable) -> None:
    found = freshness(events, NOW - 2 * HOUR)
    assert found is not None
    assert found.outcome == "failed"
    assert "1 h 20 min in the future: a clock is wrong" in found.detail
    near = freshness(events, NOW - dt.timedelta(minutes=42))
    assert near is not None
    assert near.outcome == "passed"


def test_parquet_files_are_as_old_as_the_newest(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "orders").mkdir()
    for name, hours in (("a", 9), ("b", 2)):
        pq.write_table(ROWS, tmp_path / f"orders/{name}.parquet")
        written(tmp_path / f"orders/{name}.parquet", NOW - hours * HOUR)
    orders = ParquetTable(name="orders", location="orders", about=promised(3 * HOUR))
    found = freshness(orders.resolve(settings), NOW)
    assert found is not None
    assert (found.outcome, found.age_s) == ("passed", 7200)


@table(about=promised())
def made() -> pa.Table:
    """Made anew each time."""
    return ROWS


def test_a_function_tells_nothing_of_it(settings: Settings) -> None:
    assert findings(settings, made)["shop.made", "freshness"] == (
        "skipped",
        "nothing tells when the rows of a table by function changed",
    )


def test_without_a_promise_there_is_nothing_to_keep(events: DeltaTable) -> None:
    assert freshness(DeltaTable(name="events", location=events.uri), NOW) is None


def keyed(name: str, *, references: str = "customers", column: str = "id") -> ParquetTable:
    return ParquetTable(
        name=name,
        location="orders.parquet",
        foreign_keys=(ForeignKey(("id",), references, (column,)),),
    )


def deprecated(successor: str) -> ParquetTable:
    about = About(deprecated=Deprecated("Old.", successor))
    return ParquetTable(name="old", location="orders.parquet", about=about)


@pytest.mark.parametrize(
    ("fault", "subject", "told"),
    [
        (lambda: keyed("orders", references="nowhere"), "keys", "no table nowhere"),
        (lambda: keyed("orders", column="nr"), "keys", "table customers has no column nr"),
        (
            lambda: keyed("orders", references="others"),
            "keys",
            "orders.id is int64, but others.id is string",
        ),
        (
            lambda: ParquetTable(
                name="orders", location="orders.parquet", primary_key=("order_id",)
            ),
            "keys",
            "primary key of table orders: table orders has no column order_id",
        ),
        (lambda: deprecated("nowhere"), "successor", "no table nowhere"),
        (lambda: deprecated("old"), "successor", "table old is its own successor"),
        (
            lambda: ParquetTable(
                name="orders", location="orders.parquet", columns=(Column("id", pa.int32()),)
            ),
            "declaration",
            "column orders.id is int64, declared as int32",
        ),
        (
            lambda: ParquetTable(name="orders", location="gone.parquet"),
            "declaration",
            "which does not exist",
        ),
    ],
)
def test_each_fault_is_found_and_hides_no_other(
    tmp_path: Path,
    settings: Settings,
    fault: Callable[[], ParquetTable],
    subject: str,
    told: str,
) -> None:
    pq.write_table(ROWS, tmp_path / "orders.parquet")
    pq.write_table(ROWS, tmp_path / "customers.parquet")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "others.parquet")
    written(tmp_path / "others.parquet", NOW - 9 * HOUR)
    sound = ParquetTable(name="customers", location="customers.parquet")
    stale = ParquetTable(name="others", location="others.parquet", about=promised())
    faulty = fault()
    found = findings(settings, faulty, sound, stale)
    outcome, detail = found[f"shop.{faulty.name}", subject]
    assert outcome == "failed"
    assert told in detail
    assert found["shop.customers", "declaration"] == ("passed", "")
    assert found["shop.others", "freshness"][0] == "failed"
    assert sum(outcome == "failed" for outcome, _ in found.values()) == 2


def test_one_table_can_be_checked_alone(tmp_path: Path, settings: Settings) -> None:
    pq.write_table(ROWS, tmp_path / "orders.parquet")
    sound = ParquetTable(name="orders", location="orders.parquet")
    gone = ParquetTable(name="gone", location="gone.parquet")
    assert set(findings(settings, sound, gone, names=("orders",))) == {
        ("shop.orders", "declaration")
    }
    assert set(findings(settings, sound, gone, names=("shop.gone",))) == {
        ("shop.gone", "declaration")
    }
    with pytest.raises(CatalogError, match="no table nowhere"):
        findings(settings, sound, names=("nowhere",))


def test_the_command(tmp_path: Path, typed: Cli) -> None:
    pq.write_table(ROWS, tmp_path / "orders.parquet")
    (tmp_path / "catalog.py").write_text(
        "import datetime as dt\n"
        "from neuralake.catalog import About, ParquetTable\n"
        "orders = ParquetTable(name='orders', location='orders.parquet',\n"
        "                      about=About(freshness=dt.timedelta(hours=1)))\n"
    )
    environment = {"NEURALAKE_STORAGE_ROOT": str(tmp_path)}
    check = ("catalog", "check", "--catalog", "catalog.py")
    sound = typed(*check, environment=environment)
    assert sound.returncode == 0, sound.stderr
    assert "0 of 2 checks of 1 tables failed" in sound.stdout
    written(tmp_path / "orders.parquet", dt.datetime.now(dt.UTC) - 3 * HOUR)
    stale = typed(*check, "--json", environment=environment)
    assert stale.returncode == 1
    found = [Finding(**finding) for finding in json.loads(stale.stdout)]
    assert [(f.subject, f.outcome) for f in found] == [
        ("declaration", "passed"),
        ("freshness", "failed"),
    ]
    unknown = typed(*check, "nowhere", environment=environment)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("neuralake: no table nowhere")
