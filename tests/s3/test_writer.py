"""The writer on S3: races are decided by conditional puts, and every fault leaves each row once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import deltalake
import polars as pl
import pytest

from neuralake.delta.log import entry_path, entry_version
from neuralake.delta.place import open_store
from neuralake.writer import Compactor, Packing, Vacuum, Writer
from neuralake.writer.errors import WriterError
from tests.s3.conftest import Place
from tests.s3.proxy import Fault, Proxy
from tests.writer.conftest import EVENTS, events


@pytest.fixture
def table(s3: Place) -> str:
    uri = f"{s3.uri}/events"
    deltalake.DeltaTable.create(uri, EVENTS, storage_options=s3.options)
    return uri


def ids(uri: str, place: Place) -> list[int]:
    frame = pl.scan_delta(uri, storage_options=place.options).collect()
    return sorted(frame["id"].to_list())


def versions(uri: str, place: Place) -> list[int]:
    found = (entry_version(s.path) for s in open_store(uri, place.options).list("_delta_log/"))
    return [version for version in found if version is not None]


def through(proxy: Proxy, place: Place) -> dict[str, str]:
    return {**place.options, "aws_endpoint_url": proxy.endpoint_url}


def test_an_append_is_there_when_it_returns(s3: Place, table: str) -> None:
    with Writer(table, "rig-7", storage_options=s3.options) as writer:
        for i in range(3):
            done = writer.append(events(10 * i), sequence=i)
            assert (done.version, done.attempts, done.is_repeated) == (i + 1, 1, False)
            assert ids(table, s3) == list(range(10 * (i + 1)))
    with Writer(table, "rig-7", storage_options=s3.options) as writer:
        assert writer.append(events(20), sequence=2).is_repeated


def test_writers_that_race_make_a_log_without_a_gap(s3: Place, table: str) -> None:
    attempts: Counter[int] = Counter()

    def run(number: int) -> None:
        with Writer(table, f"rig-{number}", storage_options=s3.options) as writer:
            for i in range(20):
                batch = events(1000 * number + 10 * i)
                attempts[number] += writer.append(batch, sequence=i).attempts

    threads = [threading.Thread(target=run, args=[n]) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions(table, s3) == list(range(61))
    assert ids(table, s3) == [1000 * n + i for n in range(3) for i in range(200)]
    assert sum(attempts.values()) > 60  # somebody lost a race


@pytest.mark.parametrize(
    "fault", [f for f in Fault if f is not Fault.HALF_ANSWER], ids=lambda f: f.name
)
@pytest.mark.parametrize("place", ["_delta_log/", ".parquet"])
def test_a_fault_of_a_put_leaves_each_row_once(
    s3: Place, table: str, fault: Fault, place: str
) -> None:
    with Proxy(s3.server.endpoint_url) as proxy:
        options = through(proxy, s3)
        with Writer(table, "rig-7", storage_options=options) as writer:
            writer.append(events(0), sequence=0)
            proxy.strike(fault, method="PUT", path=place, delay_s=0.3)
            _until_told(writer, events(10), 1)
            assert proxy.struck == 1
            writer.append(events(20), sequence=2)
    assert ids(table, s3) == list(range(30))
    assert versions(table, s3) == list(range(4))


def test_a_service_that_is_away_is_told_and_the_batch_can_be_sent_again(
    s3: Place, table: str
) -> None:
    with Proxy(s3.server.endpoint_url) as proxy:
        options = through(proxy, s3)
        with Writer(table, "rig-7", storage_options=options) as writer:
            proxy.strike(Fault.ERROR, times=10_000)
            with pytest.raises(WriterError, match="cannot be written") as raised:
                writer.append(events(0), sequence=0)
            for secret in (s3.options["aws_access_key_id"], s3.options["aws_secret_access_key"]):
                assert secret not in str(raised.value)
            proxy.heal()
            assert not writer.append(events(0), sequence=0).is_repeated
    assert ids(table, s3) == list(range(10))


def test_an_entry_that_arrives_late_is_recognised(s3: Place, table: str) -> None:
    """The answer is lost, and so is every look at what happened: the writer gives up, unknowing."""
    with Proxy(s3.server.endpoint_url) as proxy:
        options = through(proxy, s3)
        with Writer(table, "rig-7", storage_options=options) as writer:
            proxy.strike(Fault.LOST_ANSWER, method="PUT", path="_delta_log/", times=1)
            proxy.strike(Fault.ERROR, method="GET", path=entry_path(1), times=10_000)
            proxy.strike(Fault.ERROR, method="PUT", path="_delta_log/", times=10_000)
            with pytest.raises(WriterError):
                writer.append(events(0), sequence=0)
            proxy.heal()
            assert writer.append(events(0), sequence=0).is_repeated
    assert ids(table, s3) == list(range(10))


def test_a_table_is_compacted_and_vacuumed_there(s3: Place, table: str) -> None:
    with Writer(table, storage_options=s3.options) as writer:
        for i in range(8):
            writer.append(events(10 * i))
    packing = Packing(min_files=2)
    done = Compactor(table, packing=packing, storage_options=s3.options).run_once()
    assert done is not None
    assert (done.files_before, done.files_after, done.rows) == (8, 1, 80)
    Vacuum(table, storage_options=s3.options, retention_s=0, is_forced=True).run_once()
    assert ids(table, s3) == list(range(80))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aws_secret_access_key": "wrong"}, "refuses|Signature|denied|Forbidden"),
        ({"aws_endpoint_url": "http://127.0.0.1:9"}, "cannot be reached|refused"),
    ],
)
def test_what_cannot_be_opened_is_told_in_a_line(
    s3: Place, table: str, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(WriterError, match=message) as raised:
        Writer(table, storage_options={**s3.options, **change})
    assert "\n" not in str(raised.value)
    assert s3.options["aws_secret_access_key"] not in str(raised.value)


def test_no_such_bucket_is_told(s3: Place) -> None:
    with pytest.raises(WriterError, match=r"bucket|no Delta table"):
        Writer("s3://nobody-has-this/events", storage_options=s3.options)


def _until_told(writer: Writer, batch: Any, sequence: int) -> None:
    """Append, as a client does that is told of a fault: again, under the same sequence."""
    for _ in range(3):
        try:
            writer.append(batch, sequence=sequence)
        except WriterError:
            continue
        return
    raise AssertionError
