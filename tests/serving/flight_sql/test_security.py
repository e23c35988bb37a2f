"""What clients of Flight SQL may try: nothing is written, read or leaked, and the server lives."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import adbc_driver_manager
import deltalake
import numpy as np
import pyarrow as pa
import pytest
from adbc_driver_flightsql import DatabaseOptions
from pyarrow import flight

import neuralake
from neuralake.catalog.tables import DeltaTable, Table
from neuralake.errors import SourceError
from neuralake.serving.answers import Limits
from neuralake.serving.flight_sql.commands import Statement, pack
from neuralake.serving.flight_sql.server import FlightSqlServer
from neuralake.serving.listening import Listening
from neuralake.serving.options import ServiceOptions
from neuralake.serving.service import Service
from neuralake.sources.address import Address
from tests.conftest import Cli
from tests.serving.flight_sql.conftest import ask, connected, serving

ROOT = Path(neuralake.__file__).parents[1]
UNTOLD = "token is missing or wrong"
ROWS = 400_000
COUNT = "SELECT count(*) AS n FROM numbers"
# 100 MB: more than the buffers between us and a client hold
HUGE = f"SELECT {', '.join(f'n AS n{number}' for number in range(32))} FROM numbers"
LOOP = "SELECT count(*) FROM numbers a, numbers b, numbers c WHERE a.n + b.n + c.n < 0"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    place = tmp_path_factory.mktemp("lake") / "numbers"
    # No two alike, so that nothing makes them smaller on their way
    deltalake.write_deltalake(place, pa.table({"n": np.random.default_rng(1).random(ROWS)}))
    return {"numbers": DeltaTable(name="numbers", location=str(place))}


def options(time_s: float) -> ServiceOptions:
    limits = Limits(time_s=time_s, memory_bytes=256 << 20)
    return ServiceOptions(limits=limits, concurrency=4, workers=1, queue=8, queue_s=60.0)


@pytest.fixture(scope="module")
def service(tables: dict[str, Table]) -> Service:
    return Service(tables, options(time_s=120.0))


@pytest.fixture(scope="module")
def server(service: Service) -> Iterator[FlightSqlServer]:
    with serving(service) as server:
        yield server


@pytest.fixture(scope="module")
def hasty(tables: dict[str, Table]) -> Iterator[FlightSqlServer]:
    """A server that gives a request little time."""
    with serving(Service(tables, options(time_s=2.0))) as server:
        yield server


@pytest.fixture
def cursor(server: FlightSqlServer) -> Iterator[Any]:
    with connected(server.url) as cursor:
        yield cursor


@pytest.fixture(autouse=True)
def lives(server: FlightSqlServer, service: Service) -> Iterator[None]:
    yield
    with connected(server.url) as cursor:
        assert ask(cursor, COUNT)["n"].to_pylist() == [ROWS]
    for _ in range(1000):  # the last of what was cancelled
        if (service.turns.running, service.heavy_turns.running) == (0, 0):
            return
        time.sleep(0.01)
    raise AssertionError("a request keeps its place")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY numbers TO '{place}/out.csv'",
        "EXPLAIN ANALYZE COPY numbers TO '{place}/out.csv'",
        "INSERT INTO numbers VALUES (1)",
        "CREATE EXTERNAL TABLE p STORED AS CSV LOCATION '/etc/passwd'",
        "DROP TABLE numbers",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM information_schema.df_settings",
    ],
)
def test_nothing_but_questions(cursor: Any, sql: str, tmp_path: Path) -> None:
    with pytest.raises(adbc_driver_manager.Error):
        ask(cursor, sql.format(place=tmp_path))
    with pytest.raises(adbc_driver_manager.Error):
        cursor.adbc_prepare(sql.format(place=tmp_path))
    assert not list(tmp_path.iterdir())


def test_updates_transactions_and_substrait_are_refused_in_words(
    server: FlightSqlServer,
) -> None:
    with flight.connect(server.url) as client:
        for command, what in {
            "CommandStatementUpdate": "updates",
            "CommandStatementSubstraitPlan": "Substrait plans",
            "CommandPreparedStatementUpdate": "updates",
        }.items():
            descriptor = flight.FlightDescriptor.for_command(pack(command, (1, "DROP TABLE t")))
            with pytest.raises(flight.FlightServerError, match=f"not supported: {what}"):
                client.get_flight_info(descriptor)
            writer, _ = client.do_put(descriptor, pa.schema([]))
            with pytest.raises(pa.ArrowException, match=f"not supported: {what}"):
                writer.close()
        with pytest.raises(flight.FlightServerError, match="not supported: transactions"):
            list(client.do_action(flight.Action("BeginTransaction", b"")))
        with pytest.raises(flight.FlightServerError, match="not supported: transactions"):
            in_transaction = pack("CommandStatementQuery", (1, "SELECT 1"), (2, b"t"))
            client.get_flight_info(flight.FlightDescriptor.for_command(in_transaction))
        with pytest.raises(flight.FlightServerError, match="not supported: nonsense"):
            list(client.do_action(flight.Action("nonsense", b"")))


def test_an_error_is_one_line_and_tells_nothing_of_this_machine(
    server: FlightSqlServer, service: Service
) -> None:
    asked = [
        pack("CommandStatementQuery", (1, "SELECT nothing FROM numbers")),
        pack("TicketStatementQuery", (1, b"forged")),
        pack("CommandPreparedStatementQuery", (1, Statement("SELECT nothing").handle)),
        pack("CommandGetTables", (4, b"\xff")),
        b"\xff\xff",
        b"",
    ]
    with flight.connect(server.url) as client:
        for command in asked:
            descriptor = flight.FlightDescriptor.for_command(command)
            for call, argument in (
                (client.get_flight_info, descriptor),
                (client.get_schema, descriptor),
                (client.do_get, flight.Ticket(command)),
            ):
                with pytest.raises(pa.ArrowException) as error:
                    read(call(argument))
                text = str(error.value)
                assert str(ROOT) not in text
                assert str(service.tables()["numbers"].location) not in text  # type: ignore[attr-defined]
                assert call == client.get_schema or "Traceback" not in text


def read(answer: Any) -> None:
    if isinstance(answer, flight.FlightStreamReader):
        answer.read_all()


def test_hostile_bytes_in_every_call(server: FlightSqlServer) -> None:
    chance = random.Random(7)
    good = pack("CommandGetTables", (3, "num%"), (5, True))
    with flight.connect(server.url) as client:
        for _ in range(100):
            data = bytearray(good)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with suppress(pa.ArrowException):
                client.get_flight_info(flight.FlightDescriptor.for_command(bytes(data)))
            with suppress(pa.ArrowException):
                list(client.do_action(flight.Action("CreatePreparedStatement", bytes(data))))


def test_parameters_that_are_none(server: FlightSqlServer) -> None:
    command = pack("CommandPreparedStatementQuery", (1, Statement("SELECT $1").handle))
    descriptor = flight.FlightDescriptor.for_command(command)
    two = pa.record_batch({"$1": [1, 2]})
    large = pa.record_batch({"$1": ["x" * (3 << 20)]})
    with flight.connect(server.url) as client:
        for batch, message in ((two, "several rows"), (large, "more than 2097152 bytes")):
            writer, _ = client.do_put(descriptor, batch.schema)
            with pytest.raises(pa.ArrowException, match=message):
                writer.write_batch(batch)
                writer.close()


def test_a_query_of_an_hour_ends_at_its_limit(hasty: FlightSqlServer) -> None:
    with (
        connected(hasty.url) as cursor,
        pytest.raises(adbc_driver_manager.Error, match="more than 2 s"),
    ):
        ask(cursor, LOOP)


def test_a_query_of_20_gb(cursor: Any) -> None:
    with pytest.raises(adbc_driver_manager.Error):
        ask(cursor, "SELECT array_agg(a.n) FROM numbers a, numbers b")


def test_a_statement_of_10_mb(cursor: Any) -> None:
    with pytest.raises(adbc_driver_manager.Error, match=r"bytes|characters"):
        ask(cursor, "SELECT 1 -- " + "x" * 10_000_000)


def test_a_client_that_goes_ends_its_query(server: FlightSqlServer, service: Service) -> None:
    """Within the query's own time: the place is another's at once."""
    client = flight.connect(server.url)
    reader = client.do_get(flight.Ticket(pack("TicketStatementQuery", (1, Statement(HUGE).handle))))
    reader.read_chunk()
    assert service.turns.running + service.heavy_turns.running == 1
    reader.cancel()
    client.close()


def test_a_client_that_reads_no_further_holds_nothing_beyond_the_time(
    hasty: FlightSqlServer,
) -> None:
    clients = [flight.connect(hasty.url) for _ in range(4)]
    ticket = flight.Ticket(pack("TicketStatementQuery", (1, Statement(HUGE).handle)))
    readers = [client.do_get(ticket) for client in clients]
    for reader in readers:
        reader.read_chunk()
    with connected(hasty.url) as cursor:  # while they hold all places, this waits for one
        assert ask(cursor, COUNT)["n"].to_pylist() == [ROWS]
    with pytest.raises(flight.FlightTimedOutError, match="more than 2 s"):
        readers[0].read_all()
    for reader, client in zip(readers, clients, strict=True):
        reader.cancel()
        client.close()


def test_a_thousand_connections(server: FlightSqlServer, cursor: Any) -> None:
    place = ("127.0.0.1", server.port)
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(place)) for _ in range(1000)]
        for connection in idle[::2]:
            connection.sendall(b"\x00garbage\r\n\r\n")
        assert ask(cursor, COUNT)["n"].to_pylist() == [ROWS]


def test_many_at_once_each_get_their_own(server: FlightSqlServer) -> None:
    found: dict[int, list[int]] = {}

    def work(number: int) -> None:
        with connected(server.url) as cursor:
            for _ in range(5):
                got = ask(cursor, f"SELECT {number} AS own, count(*) AS n FROM numbers")
                found.setdefault(number, []).extend(got["own"].to_pylist())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number] * 5 for number in range(8)}


def test_a_handle_of_another_server_is_just_its_statement(server: FlightSqlServer) -> None:
    """Nothing is kept of a statement: who has a handle has sent, or could send, its text."""
    with flight.connect(server.url) as client:
        ticket = flight.Ticket(pack("TicketStatementQuery", (1, Statement("DROP TABLE x").handle)))
        with pytest.raises(flight.FlightUnauthorizedError, match="only questions"):
            client.do_get(ticket).read_all()


def test_token_and_tls(certificate: tuple[Path, Path]) -> None:
    listening = Listening(Address("127.0.0.1", 0), *certificate)
    trust = {DatabaseOptions.TLS_ROOT_CERTS.value: certificate[0].read_text()}
    header = DatabaseOptions.AUTHORIZATION_HEADER.value
    with serving(Service({}), listening, "secret") as server:
        assert server.url.startswith("grpc+tls://127.0.0.1:")
        with connected(server.url, **trust, **{header: "Bearer secret"}) as cursor:
            assert ask(cursor, "SELECT 1 AS one")["one"].to_pylist() == [1]
        for shown in ({}, {header: "Bearer wrong"}, {header: "secret"}, {header: "Bearer secre"}):
            with connected(server.url, **trust, **shown) as cursor:
                with pytest.raises(adbc_driver_manager.Error, match=UNTOLD):
                    ask(cursor, "SELECT 1")
                with pytest.raises(adbc_driver_manager.Error, match=UNTOLD):
                    cursor.connection.adbc_get_objects().read_all()
        with (
            pytest.raises(adbc_driver_manager.Error),
            connected(server.url.replace("+tls", ""), **{header: "Bearer secret"}) as cursor,
        ):
            ask(cursor, "SELECT 1")


@pytest.mark.parametrize(
    ("listening", "token", "message"),
    [
        (Listening(Address("0.0.0.0", 0)), None, "a token in NEURALAKE_SERVE_TOKEN and --tls"),
        (Listening(Address("0.0.0.0", 0)), "t", "it needs --tls-certificate with --tls-key"),
    ],
)
def test_beyond_loopback_it_is_protected_or_is_not(
    listening: Listening, token: str | None, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        FlightSqlServer(Service({}), listening, token)


def test_a_port_in_use_and_a_certificate_that_is_none(
    server: FlightSqlServer, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="in use: end what listens there"):
        FlightSqlServer(Service({}), Listening(Address("127.0.0.1", server.port)))
    (tmp_path / "pem").write_text("none")
    bad = Listening(Address("127.0.0.1", 0), tmp_path / "pem", tmp_path / "pem")
    with pytest.raises(SourceError, match="cannot be used"):
        FlightSqlServer(Service({}), bad, "t")
    gone = Listening(Address("127.0.0.1", 0), tmp_path / "gone", tmp_path / "gone")
    with pytest.raises(SourceError, match="gone"):
        FlightSqlServer(Service({}), gone, "t")


def test_a_client_that_reads_no_further_does_not_keep_the_server_from_ending(
    tables: dict[str, Table],
) -> None:
    with serving(Service(tables, options(time_s=120.0))) as server:
        client = flight.connect(server.url)
        ticket = flight.Ticket(pack("TicketStatementQuery", (1, Statement(HUGE).handle)))
        reader = client.do_get(ticket)
        reader.read_chunk()
    with pytest.raises(flight.FlightUnavailableError):
        reader.read_all()
    reader.cancel()
    client.close()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("here", "'here' is no address"),
        ("0.0.0.0:0", "it needs a token in NEURALAKE_SERVE_TOKEN"),
        ("127.0.0.1:{taken}", "in use"),
    ],
)
def test_an_address_that_is_not_to_be_had_is_one_line(
    typed: Cli, server: FlightSqlServer, tmp_path: Path, place: str, message: str
) -> None:
    declared = tmp_path / "lake.py"
    declared.write_text(
        "from neuralake.catalog import DeltaTable\nt = DeltaTable(name='t', location='/nowhere')\n"
    )
    asked = ("--catalog", str(declared), "--listen", "127.0.0.1:0")
    done = typed("serve", *asked, "--flight-sql", place.format(taken=server.port))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
