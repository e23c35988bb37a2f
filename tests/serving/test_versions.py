"""A request may ask for a state of the past."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.serving.answers import AsOf, RefusedError
from neuralake.serving.service import Service

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


def test_a_version_that_was_cleaned_up_is_refused(tmp_path: Path) -> None:
    for _ in range(3):
        deltalake.write_deltalake(tmp_path, pa.table({"v": [1]}), mode="append")
    deltalake.DeltaTable(tmp_path).create_checkpoint()
    (tmp_path / "_delta_log" / f"{0:020d}.json").unlink()
    service = Service({"t": DeltaTable(name="t", location=str(tmp_path))})
    with pytest.raises(RefusedError, match="table t has version 1 no longer"):
        rows(service, AsOf(version=1))
    service.close()


def test_a_time_without_a_zone_means_nothing() -> None:
    with pytest.raises(RefusedError, match="no time zone"):
        AsOf(time=START.replace(tzinfo=None))
