"""A table is read at a version or at a moment, and says why it cannot be."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from neuralake.catalog import DeltaTable
from neuralake.catalog.moments import moment
from neuralake.delta.place import open_store
from neuralake.delta.versions import readable_versions
from neuralake.errors import CatalogError, NoSuchVersionError

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path) -> DeltaTable:
    """Version N has the values 0 to N, and was committed N hours after the start."""
    for version in range(6):
        write_deltalake(tmp_path / "t", pa.table({"v": [version]}), mode="append")
        entry = tmp_path / "t" / "_delta_log" / f"{version:020d}.json"
        at_s = (START + timedelta(hours=version)).timestamp()
        os.utime(entry, (at_s, at_s))
    return DeltaTable(name="t", location=str(tmp_path / "t"))


def values(table: DeltaTable, **when: Any) -> list[int]:
    return sorted(table.lazy(**when).collect()["v"].to_list())


def clean_up(table: DeltaTable, first: int) -> None:
    """Make a version the first that the log tells of."""
    deltalake.DeltaTable(table.uri, version=first).create_checkpoint()
    for version in range(first):
        (Path(table.uri) / "_delta_log" / f"{version:020d}.json").unlink()


def test_a_version_is_read_in_each_way(table: DeltaTable) -> None:
    assert values(table.as_of(version=2)) == values(table, version=2) == [0, 1, 2]
    assert values(table.as_of(version=2), version=3) == [0, 1, 2, 3]
    assert values(table.as_of(version=2).as_of()) == list(range(6))
    then = table.as_of(version=2)
    assert (then.rows(), len(then.files()), then.snapshot().version()) == (3, 3, 2)
    assert then.pinned().version == 2


@pytest.mark.parametrize(
    ("at", "last"),
    [
        (START, 0),
        (START + timedelta(hours=2), 2),
        (START + timedelta(hours=3) - timedelta(microseconds=1), 2),
        ("2026-01-01T15:30:00Z", 3),
        ("2026-01-01T15:30:00+00:00", 3),
        ("2026-01-01 17:30+02:00", 3),
        (datetime(2026, 1, 1, 17, 30, tzinfo=timezone(timedelta(hours=2))), 3),
        (START + timedelta(days=1), 5),
    ],
)
def test_a_moment_means_the_newest_version_by_then(
    table: DeltaTable, at: datetime | str, last: int
) -> None:
    assert values(table, at=at) == list(range(last + 1))
    pinned = table.as_of(at=at).pinned()
    assert (pinned.version, pinned.at) == (last, None)


def test_a_moment_stays_that_version_whatever_is_committed_since(table: DeltaTable) -> None:
    then = table.as_of(at=START + timedelta(hours=1))
    write_deltalake(table.uri, pa.table({"v": [9]}), mode="overwrite")
    assert values(then) == [0, 1]


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"version": 6}, "table t has no version 6: 5 is its last"),
        (
            {"at": START - timedelta(seconds=1)},
            (
                "table t has no version from 2026-01-01T11:59:59+00:00 or before: "
                "that is before its first commit"
            ),
        ),
        (
            {"at": datetime(9999, 1, 1, tzinfo=UTC)},
            (
                "table t at 9999-01-01T00:00:00+00:00: that is in the future; "
                "expected a time that is past"
            ),
        ),
    ],
)
def test_what_there_is_not_is_said_in_a_line(
    table: DeltaTable, when: dict[str, Any], reason: str
) -> None:
    for read in (table.as_of(**when).check, table.as_of(**when).lazy, table.as_of(**when).rows):
        with pytest.raises(NoSuchVersionError) as raised:
            read()
        assert str(raised.value) == reason


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_version_that_a_clean_up_of_the_log_took_away(table: DeltaTable, version: int) -> None:
    clean_up(table, 3)
    reason = "no longer: its log was cleaned up, and begins with version 3"
    with pytest.raises(NoSuchVersionError, match=f"^table t has version {version} {reason}$"):
        table.as_of(version=version).check()
    assert values(table, version=3) == [0, 1, 2, 3]
    assert readable_versions(open_store(table.uri)) == range(3, 6)


def test_a_moment_before_what_is_left_of_the_log(table: DeltaTable) -> None:
    clean_up(table, 3)
    reason = "or before: its log was cleaned up, and begins with version 3"
    with pytest.raises(NoSuchVersionError, match=reason):
        table.as_of(at=START + timedelta(hours=1)).check()
    assert values(table, at=START + timedelta(hours=4)) == [0, 1, 2, 3, 4]


def test_a_checkpoint_in_parts_is_a_beginning_only_as_a_whole(table: DeltaTable) -> None:
    clean_up(table, 3)
    log = Path(table.uri) / "_delta_log"
    name = f"{4:020d}.checkpoint.{1:010d}.{2:010d}.parquet"
    (log / name).write_bytes(b"")  # the second part is missing
    (log / f"{3:020d}.checkpoint.parquet").rename(log / f"{3:020d}.checkpoint.1.parquet")
    with pytest.raises(OSError, match="has lost its beginning"):
        readable_versions(open_store(table.uri))


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"version": -1}, "the version -1: expected a whole number from 0 on"),
        ({"version": True}, "the version True: expected"),
        ({"version": 1.0}, "the version 1.0: expected"),
        ({"version": "1"}, "the version '1': expected"),
        ({"version": 2**63}, "expected a whole number"),
        ({"version": 1, "at": START}, "has a version and a time: expected one"),
        ({"at": START.replace(tzinfo=None)}, "has no zone: expected such as 2026-01-01T12:00:00Z"),
        ({"at": "2026-01-01"}, "the time has no zone"),
        ({"at": "yesterday"}, "at 'yesterday': expected a time with its zone, such as"),
        ({"at": 5}, "at 5: expected a time with its zone"),
        ({"at": ""}, "at '': expected a time with its zone"),
        ({"at": "0001-01-01T00:00:00+05:00"}, "in UTC that is outside of the years 1 to 9999"),
    ],
)
def test_an_impossible_version_or_time_is_refused_at_once(
    table: DeltaTable, when: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CatalogError, match=reason):
        table.as_of(**when)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))])))
def test_a_moment_and_its_text_are_one(at: datetime) -> None:
    try:
        expected = at.astimezone(UTC)
    except OverflowError:
        return
    assert moment("t", at) == moment("t", at.isoformat()) == expected
