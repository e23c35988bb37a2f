"""The driver of calls: threads, of which each waits for its answer."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator

from neuralake.results.serving.samples import ERROR, OK, REFUSED, TIMEOUT
from neuralake.workloads.serving.by_calls import CallDriver, RefusedError
from neuralake.workloads.serving.outcomes import NEVER, Outcomes
from neuralake.workloads.serving.pace import ClosedLoop, Pace
from neuralake.workloads.serving.requests import Request

MS = 1_000_000
S = 1_000_000_000


def asked() -> Iterator[Request]:
    return (Request(0, key) for key in itertools.count())


def drive(
    call: Callable[[str], bytes],
    pace: Pace | ClosedLoop,
    *,
    connections: int = 4,
    timeout_ns: int = 60 * S,
) -> Outcomes:
    outcomes = Outcomes(timeout_ns)
    driver = CallDriver(lambda: call, lambda r: str(r.key), connections)
    driver.run(outcomes, pace, asked(), time.monotonic_ns())
    driver.close()
    return outcomes


def test_every_request_is_kept_with_its_moments_in_order() -> None:
    found = drive(lambda sql: sql.encode(), Pace("constant", 200, S // 4))
    assert found.count(OK) == len(found) == 50
    assert list(found.intended) == [round(n * S / 200) for n in range(50)]
    for number in range(50):
        assert found.intended[number] <= found.started[number] <= found.done[number]
    assert {request.key: body for (request, _), body in found.bodies.items()} == {
        n: str(n).encode() for n in range(50)
    }


def test_a_stall_is_in_the_latency_of_all_that_were_due_meanwhile() -> None:
    def stall(sql: str) -> bytes:
        time.sleep(0.3 if sql == "5" else 0)
        return b""

    found = drive(stall, Pace("constant", 200, 300 * MS), connections=1)
    behind = [n for n in range(6, len(found)) if found.intended[n] < found.done[5]]
    assert len(behind) >= 50
    assert all(found.started[n] >= found.done[5] for n in behind)


def test_calls_do_not_wait_for_one_another() -> None:
    everybody = threading.Barrier(4)

    def wait_for_all(_: str) -> bytes:
        everybody.wait(60)
        return b""

    assert drive(wait_for_all, Pace("constant", 100, 40 * MS)).count(OK) == 4


def test_refusals_and_faults_are_samples() -> None:
    def call(sql: str) -> bytes:
        if sql == "0":
            raise RefusedError
        if sql == "1":
            raise ValueError("no such table")
        return b""

    found = drive(call, Pace("constant", 1000, 3 * MS))
    assert list(found.status) == [REFUSED, ERROR, OK]
    assert found.messages[1] == "no such table"
    assert found.http_status[0] == 429


def test_an_answer_that_is_late_has_timed_out() -> None:
    def slow(_: str) -> bytes:
        time.sleep(0.1)
        return b""

    assert list(drive(slow, Pace("constant", 1, S), timeout_ns=50 * MS).status) == [TIMEOUT]


def test_what_could_not_be_begun_in_time_is_a_sample_without_a_start() -> None:
    def slow(_: str) -> bytes:
        time.sleep(0.2)
        return b""

    pace = Pace("constant", 1000, 10 * MS)
    found = drive(slow, pace, connections=1, timeout_ns=100 * MS)
    assert len(found) == found.count(TIMEOUT) == 10
    assert sum(started == NEVER for started in found.started) >= 9


def test_a_closed_loop_has_so_many_under_way_and_no_more() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def call(_: str) -> bytes:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.001)
        with lock:
            at_once -= 1
        return b""

    found = drive(call, ClosedLoop(3, 500 * MS), connections=8)
    assert found.count(OK) == len(found) > 0
    assert most <= 3
