"""Each contestant as a run starts it: it answers what is asked, and every answer is right."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import LoadError
from neuralake.results.serving.records import Mix
from neuralake.results.serving.samples import OK
from neuralake.starting import free_ports
from neuralake.workloads.serving.by_calls import CallDriver
from neuralake.workloads.serving.contestants.protocol import (
    HOST,
    ByCalls,
    Constant,
    Contestant,
    OverHttp,
    Site,
)
from neuralake.workloads.serving.contestants.registry import NAMES, contestant_type
from neuralake.workloads.serving.events import make_events, write_events
from neuralake.workloads.serving.expected import Expected
from neuralake.workloads.serving.outcomes import Outcomes
from neuralake.workloads.serving.over_http import HttpDriver
from neuralake.workloads.serving.pace import Pace
from neuralake.workloads.serving.requests import Requests
from neuralake.workloads.serving.server import ServerProcess
from tests.more import few

ROWS = 500
S = 1_000_000_000
REQUESTS = Requests(Mix({"point": 0.7, "aggregate": 0.3}, "uniform", ROWS))
EVENTS = make_events(ROWS, seed=1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("lake")
    write_events(EVENTS, directory / "events")
    text = f"events = DeltaTable(name='events', location={str(directory / 'events')!r})\n"
    imports = "from neuralake.catalog import DeltaTable\n\n"
    (directory / "catalog.py").write_text(imports + text)
    return directory


@contextmanager
def started(name: str, lake: Path, scratch: Path) -> Iterator[Contestant]:
    """A contestant whose server runs, if it has one."""
    events = DeltaTable(name="events", location=str(lake / "events"))
    first, second = free_ports(HOST, (0, 0), "a server", LoadError)
    site = Site({"events": events}, lake / "catalog.py", scratch, (first, second))
    server = ServerProcess()
    try:
        ready_ns = server.start(name, site, 300)
        assert (ready_ns is None) == (name == "in-process")
        yield contestant_type(name)(site)
    finally:
        server.close()


@pytest.mark.parametrize("name", few(NAMES, "http", "flight-sql"))
def test_every_answer_of_a_contestant_is_right(name: str, lake: Path, tmp_path: Path) -> None:
    assert contestant_type(name).unavailable() is None
    outcomes = Outcomes(300 * S)
    pace = Pace("constant", 100, S * 3 // 10)
    with started(name, lake, tmp_path) as contestant:
        driver: HttpDriver | CallDriver
        if isinstance(contestant, OverHttp):
            message = contestant.message
            driver = HttpDriver(contestant.address, lambda r: message(REQUESTS.sql(r)), 4)
        else:
            assert isinstance(contestant, ByCalls)
            driver = CallDriver(contestant.connect, REQUESTS.sql, 4)
        driver.run(outcomes, pace, REQUESTS.draw(1), time.monotonic_ns())
        driver.close()
        assert contestant.versions()
        assert contestant.settings
        if isinstance(contestant, Constant):
            assert set(outcomes.bodies.values()) == {contestant.constant}
        else:
            expected = Expected(REQUESTS, EVENTS)
            asked = [(request, body) for (request, _), body in outcomes.bodies.items()]
            faults = [verdict.fault for verdict in expected.judge(asked, contestant.read)]
            assert set(faults) == {None}
            (one,) = itertools.islice(REQUESTS.draw(2), 1)
            answer = contestant.ask(REQUESTS.sql(one))
            assert answer.num_rows == expected.table(one).num_rows
        if isinstance(contestant, ByCalls):
            contestant.close()
    assert outcomes.count(OK) == len(outcomes) == 30
