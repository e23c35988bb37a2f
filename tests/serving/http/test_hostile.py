"""Clients that mean harm, or just behave badly: they are told, and others are served as before."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import deltalake
import numpy as np
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.serving.answers import Limits
from neuralake.serving.http.app import HttpOptions
from neuralake.serving.http.server import allow_many_connections
from neuralake.serving.options import ServiceOptions
from tests.serving.conftest import Client, serving
from tests.waiting import until

ENDLESS = (
    "SELECT count(*) FROM numbers a, numbers b, numbers c, numbers d, numbers e "
    "WHERE a.n * b.n % 7 = c.n + d.n - e.n"
)
TOKEN = "a-token-of-some-length"
MIB = 1 << 20


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> DeltaTable:
    place = tmp_path_factory.mktemp("lake") / "numbers"
    deltalake.write_deltalake(place, pa.table({"n": np.arange(20_000)}))
    return DeltaTable(name="numbers", location=str(place))


@pytest.fixture(scope="module")
def client(table: DeltaTable) -> Iterator[Client]:
    options = ServiceOptions(
        limits=Limits(time_s=20, memory_bytes=256 * MIB), workers=1, queue=1, queue_s=0.2
    )
    http_options = HttpOptions(hosts=frozenset({"127.0.0.1"}), body_bytes=MIB, body_s=5.0)
    with serving({"numbers": table}, options, http_options) as client:
        yield client


@pytest.fixture(autouse=True)
def lives(client: Client) -> Iterator[None]:
    yield
    answer = client.sql("SELECT count(*) AS n FROM numbers")
    assert (answer.status, answer.json()) == (200, [{"n": 20_000}])


def raw(client: Client) -> socket.socket:
    return socket.create_connection(("127.0.0.1", client.port), timeout=30)


def test_a_body_that_is_too_large_is_not_read(client: Client) -> None:
    answer = client.sql("SELECT '" + "x" * (10 * MIB) + "'")
    assert (answer.status, answer.json()["limit"]) == (413, "text")


def test_a_body_without_an_end_is_not_read_either(client: Client) -> None:
    with raw(client) as connection:
        connection.sendall(
            b"POST /api/sql HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        chunk = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"
        with suppress(OSError):  # it may have closed already
            for _ in range(400):
                connection.sendall(chunk)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_comes_slowly_is_not_waited_for(client: Client) -> None:
    with raw(client) as connection:
        connection.sendall(
            b"POST /api/sql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\nSEL"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_a_client_that_goes_ends_its_statement(client: Client) -> None:
    with raw(client) as connection:
        body = ENDLESS.encode()
        connection.sendall(
            b"POST /api/sql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        until(lambda: client.service.heavy_turns.running == 1)
    until(lambda: client.service.heavy_turns.running == 0, patience_s=15)


def test_a_client_that_goes_while_it_sends_is_no_fault_of_the_servers(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def gone() -> float:
        text = client.get("/metrics").body.decode()
        return float(re.findall(r"^neuralake_serve_abandoned_total (.*)$", text, re.MULTILINE)[0])

    before = gone()
    with raw(client) as connection:
        connection.sendall(
            b"POST /api/sql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\nSEL"
        )
    until(lambda: gone() == before + 1)
    assert not caplog.records


def test_a_client_that_does_not_read_keeps_nobody_from_reading(client: Client) -> None:
    with raw(client) as connection:
        body = b"SELECT a.n, b.n AS m FROM numbers a, numbers b"
        connection.sendall(
            b"POST /api/sql?timeout=1 HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        until(lambda: client.service.heavy_turns.running == 1)
        until(lambda: client.service.heavy_turns.running == 0, patience_s=15)


def test_an_answer_that_fails_midway_is_cut_off(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    sql = "SELECT a.n, b.n AS m, 1 / (a.n - 19000) FROM numbers a, numbers b LIMIT 390000000"
    connection.request("POST", "/api/sql?timeout=5&max_rows=1000000", sql)
    answer = connection.getresponse()
    if answer.status == 200:
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    else:
        assert answer.status in {413, 422}
    connection.close()


def test_a_thousand_connections_are_served(client: Client) -> None:
    allow_many_connections()
    connections = [raw(client) for _ in range(1000)]
    try:
        body = b"SELECT count(*) AS n FROM numbers"
        head = b"POST /api/sql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n"
        for connection in connections:
            connection.sendall(head % len(body) + body)
        statuses = {connection.recv(12)[-3:] for connection in connections}
        assert statuses <= {b"200", b"429"}
        assert b"200" in statuses
    finally:
        for connection in connections:
            connection.close()


def test_one_too_many_is_told_to_come_again(client: Client) -> None:
    statuses = []

    def ask() -> None:
        answer = client.sql(ENDLESS, "?timeout=1")
        statuses.append(answer.status)
        if answer.status == 429:
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["title"] == "Too many requests"

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: client.service.heavy_turns.running == 1)
    assert client.sql("SELECT 1 AS one").json() == [{"one": 1}]  # what is light has its own queue
    for thread in threads:
        thread.join()
    assert sorted(set(statuses)) == [429, 504]


@pytest.mark.parametrize(
    "request_line",
    [
        b"\x00\x01\x02",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/sql HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(client: Client, request_line: bytes) -> None:
    with raw(client) as connection:
        connection.sendall(request_line)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
        assert not answer.startswith(b"HTTP/1.1 200")


def test_names_and_values_of_a_client_stay_out_of_the_headers(client: Client) -> None:
    injected = "%0d%0aset-cookie:%20stolen=1"
    answers = [
        client.get(f"/api/tables/numbers?sort=n&limit=1&as_of=0&where=n=1{injected}"),
        client.get(f"/api/tables/numbers{injected}"),
        client.sql('SELECT 1 AS "a\r\nset-cookie: stolen=1"', accept="text/csv"),
    ]
    for answer in answers:
        assert "set-cookie" not in {name.lower() for name in answer.headers}


def test_a_page_of_another_origin_cannot_read(client: Client) -> None:
    answer = client.sql("SELECT 1", origin="http://evil.example")
    assert not any(name.lower().startswith("access-control") for name in answer.headers)
    renamed = client.get("/api/schema", host="evil.example:80")
    assert (renamed.status, "evil.example" in renamed.json()["detail"]) == (421, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/api/tables/../../etc/passwd", 404),
        ("/api/tables/numbers%00", 404),
        ("/api/sql", 405),
        ("/api/tables/numbers?columns=n,m", 400),
        ("/api/tables/numbers?where=n=abc", 400),
        ("/api/tables/numbers?where=n=1.5", 400),
        ("/api/tables/numbers?where=nonsense", 400),
        ("/api/tables/numbers?where=n=%FF", 400),
        ("/api/tables/numbers?columns=%ED%A0%80", 400),
        ("/api/tables/numbers?limit=-1", 400),
        ("/api/tables/numbers?sort=m", 400),
        ("/api/tables/numbers?nn=1", 400),
        ("/api/tables/numbers?as_of=yesterday", 400),
        ("/api/tables/numbers?as_of=99", 400),
        ("/api/tables/numbers?as_of=1999-01-01T00:00:00Z", 400),
        ("/api/tables/numbers?as_of=9999-01-01T00:00:00Z", 400),
        ("/api/tables/numbers?format=xml", 406),
        ("/api/tables/numbers?timeout=nan", 400),
    ],
)
def test_bad_input_is_a_problem_document(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "lake" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"sql": 1}', "application/json", 400),
        (b'{"sql": "SELECT $1", "parameters": [{"type": "x"}]}', "application/json", 400),
        (b'{"sql": "SELECT $1", "parameters": [[1]]}', "application/json", 400),
        (
            b'{"sql": "SELECT $1", "parameters": [{"type": "binary", "value": 5}]}',
            "application/json",
            400,
        ),
        (b'{"sql": "SELECT $1", "parameters": [{"value": 5}]}', "application/json", 400),
        (b'{"sql": "SELECT $1", "parameters": [18446744073709551616]}', "application/json", 400),
        (b'{"sql": "SELECT 1", "file": "/etc/passwd"}', "application/json", 400),
        (b"\xff\xfe", "application/sql", 400),
        (b"SELECT 1", "application/xml", 415),
        (b"SELECT 1", "text/plain; charset=utf-16", 415),
        (b"SELEC 1", "application/sql", 400),
        (b"COPY numbers TO '/tmp/x.csv'", "application/sql", 403),
        (b"SELECT 1 / (n - n) FROM numbers", "application/sql", 422),
    ],
)
def test_a_bad_statement_is_a_problem_document(
    client: Client, body: bytes, kind: str, status: int
) -> None:
    answer = client.post(body, **{"content-type": kind})
    assert (answer.status, answer.json()["status"]) == (status, status), answer.body


def test_a_body_that_is_packed_is_not_read(client: Client) -> None:
    packed = gzip.compress(b"SELECT 1")
    answer = client.post(packed, **{"content-type": "application/sql", "content-encoding": "gzip"})
    assert (answer.status, "encoded as 'gzip'" in answer.json()["detail"]) == (415, True)


def test_a_token_is_asked_for_and_compared_as_a_whole(table: DeltaTable) -> None:
    with serving({"numbers": table}, None, HttpOptions(token=TOKEN)) as client:
        for shown in ("", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"bearer{TOKEN}"):
            answer = client.get("/api/schema", authorization=shown)
            assert answer.status == 401, shown
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert TOKEN not in answer.body.decode()
        for path in ("/metrics", "/openapi.json", "/api/tables/numbers"):
            assert client.get(path).status == 401
            assert client.get(path, authorization=f"Bearer {TOKEN}").status == 200
            assert client.get(path, authorization=f"bEARER {TOKEN}").status == 200
        assert client.get("/healthz").status == 200
        document = client.get("/openapi.json", authorization=f"Bearer {TOKEN}").body
        assert json.loads(document)["security"] == [{"token": []}]
