"""A request may ask for a state of the past."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import CatalogError
from neuralake.serving.answers import AsOf, RefusedError
from neuralake.serving.service import Service
from tests.delta.make import File, actions, commit, write_table

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with three versions, an hour apart."""
    place = tmp_path_factory.mktemp("lake") / "t"
    for version in range(3):
        deltalake.write_deltalake(place, pa.table({"v": [version]}), mode="append")
        entry = place / "_delta_log" / f"{version:020d}.json"
        at_s = (START + timedelta(hours=version)).timestamp()
        os.utime(entry, (at_s, at_s))
    return place


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[Service]:
    service = Service({"t": DeltaTable(name="t", location=str(place))})
    yield service
    service.close()


def rows(service: Service, as_of: AsOf | None) -> tuple[int, int]:
    answer = service.query("SELECT count(*) AS n FROM t", as_of=as_of)
    (batch,) = list(answer)
    return answer.versions["t"], batch.column("n")[0].as_py()


@pytest.mark.parametrize("version", [0, 1, 2])
def test_by_version(service: Service, version: int) -> None:
    assert rows(service, AsOf(version=version)) == (version, version + 1)


@pytest.mark.parametrize(("minutes", "version"), [(0, 0), (59, 0), (60, 1), (10**6, 2)])
def test_by_time(service: Service, minutes: int, version: int) -> None:
    at = START + timedelta(minutes=minutes)
    assert rows(service, AsOf(time=at)) == (version, version + 1)


@pytest.mark.parametrize("as_of", [AsOf(version=3), AsOf(time=START - timedelta(milliseconds=1))])
def test_what_there_never_was_is_refused(service: Service, as_of: AsOf) -> None:
    with pytest.raises(RefusedError, match="table t has no version"):
        rows(service, as_of)


def test_a_time_that_is_yet_to_come_is_refused_as_the_catalog_refuses_it(
    service: Service, place: Path
) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(CatalogError) as declared:
        DeltaTable(name="t", location=str(place), at=at).check()
    with pytest.raises(
        RefusedError, match="is in the future; expected a time that is past"
    ) as asked:
        rows(service, AsOf(time=at))
    assert str(asked.value) == str(declared.value)


def test_a_version_that_was_cleaned_up_is_refused(tmp_path: Path) -> None:
    for _ in range(3):
        deltalake.write_deltalake(tmp_path, pa.table({"v": [1]}), mode="append")
    deltalake.DeltaTable(tmp_path).create_checkpoint()
    (tmp_path / "_delta_log" / f"{0:020d}.json").unlink()
    service = Service({"t": DeltaTable(name="t", location=str(tmp_path))})
    with pytest.raises(RefusedError, match="table t has version 1 no longer"):
        rows(service, AsOf(version=1))
    service.close()


def test_a_version_whose_files_were_vacuumed_is_refused_and_not_to_be_asked_for_again(
    tmp_path: Path,
) -> None:
    deltalake.write_deltalake(tmp_path, pa.table({"v": [1, 2]}))
    table = deltalake.DeltaTable(tmp_path)
    table.delete("v = 1")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    service = Service({"t": DeltaTable(name="t", location=str(tmp_path))})
    with pytest.raises(RefusedError, match="table t has that version no longer: its files were"):
        rows(service, AsOf(version=0))
    assert rows(service, AsOf(version=1)) == (1, 1)
    service.close()


def test_a_time_without_a_zone_means_nothing() -> None:
    with pytest.raises(RefusedError, match="no time zone"):
        AsOf(time=START.replace(tzinfo=None))


def timed(place: Path, times: Sequence[int | None], **more: str) -> Service:
    """A table whose entries tell their times, in minutes from the start; its files are of now."""
    properties = {"delta.enableInCommitTimestamps": "true", **more}
    schema = pa.schema([("v", pa.int64())])
    features = ["inCommitTimestamp"]
    write_table(place, schema, [], writer_features=features, configuration=properties)
    head = actions(place, 0)
    for version, minutes in enumerate(times):
        at_ms = None if minutes is None else round(_after(minutes).timestamp() * 1000)
        info = {} if at_ms is None else {"inCommitTimestamp": at_ms}
        file = File(pa.table({"v": [version]}, schema), f"{version}.parquet").write(place)
        commit(place, version, {"commitInfo": info}, *(head if not version else []), file)
    return Service({"t": DeltaTable(name="t", location=str(place))})


def _after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def test_the_times_in_the_entries_hold_where_there_are(tmp_path: Path) -> None:
    service = timed(tmp_path, [0, 60, 120, 121])
    for minutes, version in {0: 0, 59: 0, 60: 1, 120.5: 2, 10**6: 3}.items():
        assert rows(service, AsOf(time=_after(minutes))) == (version, version + 1)
    with pytest.raises(RefusedError, match="table t has no version"):
        rows(service, AsOf(time=_after(-1)))
    service.close()


def test_before_there_were_such_times_the_files_tell(tmp_path: Path) -> None:
    """A table that was copied since has files that are all later than what its entries say."""
    since_ms = round(_after(120).timestamp() * 1000)
    service = timed(
        tmp_path,
        [None, None, 120, 180],
        **{
            "delta.inCommitTimestampEnablementVersion": "2",
            "delta.inCommitTimestampEnablementTimestamp": str(since_ms),
        },
    )
    for minutes, version in {120: 2, 179: 2, 180: 3, 10**6: 3}.items():
        assert rows(service, AsOf(time=_after(minutes))) == (version, version + 1)
    with pytest.raises(RefusedError, match="table t has no version"):
        rows(service, AsOf(time=_after(119)))  # the files are of now
    for version, minutes in enumerate([0, 60]):
        entry = tmp_path / "_delta_log" / f"{version:020d}.json"
        os.utime(entry, (_after(minutes).timestamp(),) * 2)
    for minutes, version in {0: 0, 60: 1, 119: 1, 120: 2}.items():
        assert rows(service, AsOf(time=_after(minutes))) == (version, version + 1)
    service.close()
