"""The API of a pipeline: a process that is started again, asked by whoever looks at it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.broker.events import EventRows, event_schema
from neuralake.catalog.load import load_catalog
from neuralake.config import Settings
from neuralake.errors import PipelineError
from neuralake.pipeline.check import Content, read_content, wait_for
from neuralake.pipeline.probe import Api, Probe, Question
from neuralake.pipeline.server import ServerProcess
from neuralake.sources.address import Address
from neuralake.writer.append import Writer
from neuralake.writer.destination import create_destination, find_destination

OWN = "neuralake.pipeline.catalog"
FREE = Address("127.0.0.1", 0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipeline")


@pytest.fixture(scope="module")
def table(root: Path) -> str:
    """The pipeline's own table, without a row."""
    settings = Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(root)})
    destination = find_destination("events", load_catalog(OWN, settings), settings)
    create_destination(destination)
    return destination.uri


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def server(root: Path, table: str, said: list[str]) -> Iterator[ServerProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURALAKE_STORAGE_ROOT", str(root))
        process = ServerProcess(OWN, FREE, said.append)
        process.start()
        yield process
        process.stop()
        assert not said or "started again" in said[-1]


def write(table: str, first: int, rows: int, moment_ns: int) -> None:
    moments = pa.array([moment_ns] * rows).to_numpy()
    frame = EventRows().frame(first, moments)
    with Writer(table) as writer:
        writer.append(frame.to_arrow().cast(event_schema()))


def answered(api: Api, sql: str) -> pa.Table:
    """The answer of a server that is just being started again."""
    end_s = time.monotonic() + 60
    while True:
        try:
            return api.ask(sql)
        except PipelineError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.05)


def test_each_event_that_is_written_is_answered_once(server: ServerProcess, table: str) -> None:
    api = Api(server.url)
    before = read_content(api, "events")
    now_ns = time.time_ns()
    write(table, 0, 700, now_ns - 1_000_000_000)
    write(table, 700, 300, now_ns)
    expected = before.with_run(1000)
    assert expected.rows - before.rows == 1000
    assert expected.ids - before.ids == sum(range(1000))
    assert wait_for(api, "events", expected, 60, lambda: False) == expected
    reading = api.read(Question("events", "at"))
    assert reading.rows == expected.rows
    assert reading.age_s is not None
    assert 0 <= reading.age_s <= (time.time_ns() - now_ns) / 1e9
    assert api.read(Question("events")).age_s is None
    api.close()


def test_what_lacks_is_waited_for_no_longer_than_it_may_come(server: ServerProcess) -> None:
    api = Api(server.url)
    there = read_content(api, "events")
    more = there.with_run(5)
    assert wait_for(api, "events", more, 0.3, lambda: False) == there
    assert wait_for(api, "events", more, 3600, lambda: True) == there
    api.close()


def test_an_answer_that_is_none_says_why(server: ServerProcess) -> None:
    api = Api(server.url)
    with pytest.raises(PipelineError, match=r"answers 4\d\d: .*nothing"):
        api.ask("SELECT nothing FROM events")
    assert api.ask("SELECT 1 AS one").to_pylist() == [{"one": 1}]  # and asks on
    api.close()


def test_it_is_started_again_at_its_port_when_it_dies(
    server: ServerProcess, said: list[str]
) -> None:
    api, url = Api(server.url), server.url
    assert server.pid is not None
    restarts = server.restarts
    os.kill(server.pid, signal.SIGKILL)
    assert answered(api, "SELECT 1 AS one").to_pylist() == [{"one": 1}]
    assert (server.url, server.restarts, server.failure) == (url, restarts + 1, "")
    assert said[-1] == "the API was killed by signal 9; it is started again"
    api.close()


def test_a_probe_goes_on_when_the_api_was_away(server: ServerProcess) -> None:
    probe = Probe(server.url, Question("events", "at"), every_s=0.02)
    probe.start()
    try:
        end_s = time.monotonic() + 60
        while not probe.readings and time.monotonic() < end_s:
            time.sleep(0.01)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        killed_s = time.monotonic()
        while time.monotonic() < end_s:
            if probe.readings and probe.readings[-1].asked_s > killed_s and not probe.trouble:
                break
            time.sleep(0.01)
        assert probe.readings[-1].asked_s > killed_s
    finally:
        probe.stop()


def test_a_catalog_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    server = ServerProcess(str(tmp_path / "none.py"), FREE, pytest.fail)
    with pytest.raises(PipelineError, match=r"the API failed: no catalog at .*none\.py"):
        server.start()
    server.stop()


def test_a_port_in_use_is_told_at_once(server: ServerProcess) -> None:
    port = int(server.url.rpartition(":")[2])
    other = ServerProcess(OWN, Address("127.0.0.1", port), pytest.fail)
    with pytest.raises(PipelineError, match=rf"the API failed: .*127\.0\.0\.1:{port}"):
        other.start()
    other.stop()


def test_contents_are_compared_by_rows_and_by_their_numbers() -> None:
    assert Content(3, 100).with_run(4) == Content(7, 106)
    assert Content(3, 100).with_run(0) == Content(3, 100)
