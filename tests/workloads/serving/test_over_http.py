"""The driver over HTTP: what it keeps of servers that answer, stall, refuse, reset and vanish."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator

import pytest

from neuralake.results.serving.samples import ERROR, OK, REFUSED, TIMEOUT
from neuralake.workloads.serving.contestants.messages import post
from neuralake.workloads.serving.outcomes import NEVER, Outcomes
from neuralake.workloads.serving.over_http import HttpDriver
from neuralake.workloads.serving.pace import ClosedLoop, Pace
from neuralake.workloads.serving.requests import Request
from tests.workloads.serving.servers import Server, answer, serving

MS = 1_000_000
S = 1_000_000_000


def asked() -> Iterator[Request]:
    return (Request(0, key) for key in itertools.count())


def drive(
    address: tuple[str, int],
    pace: Pace | ClosedLoop,
    *,
    connections: int = 8,
    timeout_ns: int = 60 * S,
) -> Outcomes:
    driver = HttpDriver(address, lambda r: post(address, "/", str(r.key).encode(), {}), connections)
    outcomes = Outcomes(timeout_ns)
    try:
        driver.run(outcomes, pace, asked(), time.monotonic_ns())
    finally:
        driver.close()
    return outcomes


def even(count: int, per_second: float = 200.0) -> Pace:
    return Pace("constant", per_second, round(count * S / per_second))


def test_every_request_is_kept_with_its_moments_in_order() -> None:
    with serving(lambda n: answer(b"x" * n)) as server:
        found = drive(server.address, even(50))
    assert len(found) == server.requests == 50
    assert found.count(OK) == 50
    for number in range(50):
        assert found.intended[number] == round(number * S / 200.0)
        assert found.intended[number] <= found.started[number] <= found.done[number]
    assert sorted(found.size) == list(range(50))
    assert set(found.http_status) == {200}


def test_a_stall_is_in_the_latency_of_all_that_were_due_meanwhile() -> None:
    """One connection, and a server that sleeps once: the omission that is not made."""

    def stall(number: int) -> bytes:
        time.sleep(0.3 if number == 5 else 0)
        return answer(b"")

    with serving(stall) as server:
        found = drive(server.address, even(60), connections=1)
    stalled_ns = found.done[5]
    behind = [n for n in range(6, 60) if found.intended[n] < stalled_ns]
    assert len(behind) >= 0.3 * 200 - 10  # due at 200 a second, while nothing came back
    for number in behind:
        assert found.started[number] >= stalled_ns
        assert found.done[number] - found.intended[number] >= stalled_ns - found.intended[number]
    as_a_closed_loop_would = [found.done[n] - found.started[n] for n in behind]
    assert sum(took >= 0.3 * S for took in as_a_closed_loop_would) < len(behind) / 2


def test_no_request_waits_for_the_answer_of_another_while_connections_are_free() -> None:
    """The server answers nobody until all have asked: a loop that waits would never end."""
    everybody = threading.Barrier(8)

    def wait_for_all(_: int) -> bytes:
        everybody.wait(60)
        return answer(b"")

    with serving(wait_for_all) as server:
        found = drive(server.address, even(8), connections=8)
    assert found.count(OK) == 8
    assert server.most_at_once == 8


def test_connections_are_bounded_and_used_again() -> None:
    with serving(lambda _: answer(b"")) as server:
        found = drive(server.address, even(200, per_second=20_000), connections=4)
    assert found.count(OK) == 200
    assert server.connections <= 4
    assert server.most_at_once <= 4


def test_a_refusal_is_a_sample_of_its_own() -> None:
    with serving(
        lambda n: answer(b"", "429 Too Many Requests") if n % 2 else answer(b"")
    ) as server:
        found = drive(server.address, even(20), connections=1)
    assert (found.count(OK), found.count(REFUSED)) == (10, 10)
    assert {found.http_status[n] for n in range(20) if found.status[n] == REFUSED} == {429}
    assert not found.messages


def test_any_other_status_is_an_error_with_what_the_server_said() -> None:
    with serving(lambda _: answer(b"no such table", "404 Not Found")) as server:
        found = drive(server.address, even(3))
    assert found.count(ERROR) == 3
    assert set(found.messages.values()) == {"404: no such table"}


def test_a_reset_is_an_error_and_the_next_request_has_a_new_connection() -> None:
    with serving(lambda n: None if n == 0 else answer(b"")) as server:
        found = drive(server.address, even(10), connections=1)
    assert (found.count(OK), found.count(ERROR)) == (9, 1)
    assert server.connections == 2
    assert found.done[0] > NEVER


def test_a_request_on_a_connection_that_had_been_idle_is_sent_once_more() -> None:
    """A server may close it just then: no client tells its user of that."""
    with serving(lambda n: None if n == 3 else answer(b"")) as server:
        found = drive(server.address, even(10), connections=1)
    assert found.count(OK) == 10
    assert (server.requests, server.connections) == (11, 2)


def test_who_closes_after_each_answer_is_asked_all_the_same() -> None:
    with serving(lambda _: answer(b"ok", more="Connection: close\r\n")) as server:
        found = drive(server.address, even(20), connections=2)
    assert found.count(OK) == 20
    assert server.connections == 20


def test_an_answer_in_chunks_is_one_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(lambda _: head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") as server:
        found = drive(server.address, even(5))
    assert set(found.bodies.values()) == {b"abcde"}
    assert found.count(OK) == 5


def test_what_is_no_http_is_an_error() -> None:
    with serving(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n") as server:
        found = drive(server.address, even(2), connections=1)
    assert found.count(ERROR) == 2
    assert "the answer is no HTTP/1.1" in found.messages[0]


def test_an_answer_that_never_comes_times_out_and_its_connection_is_left() -> None:
    is_over = threading.Event()

    def never(number: int) -> bytes:
        if number == 0:
            is_over.wait(60)
        return answer(b"")

    with serving(never) as server:
        driver = HttpDriver(server.address, lambda _: post(server.address, "/", b"", {}), 1)
        first, others = Outcomes(100 * MS), Outcomes(60 * S)
        driver.run(first, even(1), asked(), time.monotonic_ns())
        driver.run(others, even(5), asked(), time.monotonic_ns())
        driver.close()
        is_over.set()
    assert list(first.status) == [TIMEOUT]
    assert first.started[0] > NEVER
    assert first.done[0] == NEVER
    assert others.count(OK) == 5
    assert server.connections == 2


def test_what_could_not_be_sent_in_time_is_a_sample_without_a_start() -> None:
    is_over = threading.Event()

    def block(_: int) -> bytes:
        is_over.wait(60)
        return answer(b"")

    with serving(block) as server:
        found = drive(server.address, even(10, 1_000_000), connections=1, timeout_ns=100 * MS)
        is_over.set()
    assert found.count(TIMEOUT) == 10
    assert sum(started == NEVER for started in found.started) >= 1
    assert server.most_at_once >= 1


def test_a_server_that_is_away_makes_errors_and_no_endless_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host, port = free.getsockname()
    found = drive((host, port), even(5))
    assert found.count(ERROR) == 5
    assert set(found.messages.values()) == {"Connection refused"}


def test_a_closed_loop_has_so_many_under_way_and_no_more() -> None:
    with serving(lambda _: answer(b"")) as server:
        found = drive(server.address, ClosedLoop(3, 500 * MS))
    assert found.count(OK) == len(found) > 0
    assert server.most_at_once <= 3
    done = sorted(found.done)
    for number, intended in enumerate(found.intended):  # due when one before it was done
        assert number - bisect_right(done, intended) < 3


@pytest.fixture
def slow_reader() -> Iterator[Server]:
    with serving(lambda _: answer(b"")) as server:
        yield server


def test_a_request_larger_than_the_sockets_buffer_arrives_whole(slow_reader: Server) -> None:
    driver = HttpDriver(
        slow_reader.address, lambda _: post(slow_reader.address, "/", b"x" * 20_000_000, {}), 1
    )
    outcomes = Outcomes(60 * S)
    driver.run(outcomes, even(2, 100), asked(), time.monotonic_ns())
    driver.close()
    assert outcomes.count(OK) == 2
