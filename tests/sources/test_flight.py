"""Arrow Flight: what clients put, and what they are answered."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from neuralake.errors import SourceError
from neuralake.sources.address import Address
from neuralake.sources.flight import FlightSource
from neuralake.sources.flight_security import FlightSecurity
from neuralake.sources.source import Delivery

SCHEMA = pa.schema([("id", pa.int64())])
LOOPBACK = Address("127.0.0.1", 0)


def batch(*ids: int) -> pa.RecordBatch:
    return pa.record_batch({"id": list(ids)}, SCHEMA)


@dataclass(frozen=True)
class Committed:
    version: int
    is_repeated: bool = False


@dataclass
class Table:
    """Takes what a source delivers, and answers as it is told to."""

    source: FlightSource
    answer: Callable[[Delivery], None] | None = None
    taken: list[Delivery] = field(default_factory=list)

    def take_all(self) -> None:
        for delivery in self.source.batches():
            self.taken.append(delivery)
            if self.answer is not None:
                self.answer(delivery)
            else:
                delivery.acknowledge(Committed(len(self.taken)))


@contextmanager
def serving(
    answer: Callable[[Delivery], None] | None = None,
    security: FlightSecurity | None = None,
) -> Iterator[Table]:
    table = Table(FlightSource(LOOPBACK, ("events",), SCHEMA, security), answer)
    thread = threading.Thread(target=table.take_all)
    thread.start()
    try:
        yield table
    finally:
        table.source.close()
        thread.join(300)
        assert not thread.is_alive()


def connect(table: Table, **options: Any) -> flight.FlightClient:
    assert table.source.address is not None
    return flight.connect(table.source.address, **options)


EVENTS = flight.FlightDescriptor.for_path("events")


def metadata(application: str, sequence: int) -> bytes:
    return json.dumps({"application": application, "sequence": sequence}).encode()


def answers(reader: flight.FlightMetadataReader) -> list[dict[str, Any]]:
    found = []
    with suppress(flight.FlightError):  # it has ended already: its close says why
        while (message := reader.read()) is not None:
            found.append(json.loads(message.to_pybytes()))
    return found


def put(
    client: flight.FlightClient,
    batches: Sequence[tuple[pa.RecordBatch, bytes | None]],
    descriptor: flight.FlightDescriptor = EVENTS,
    schema: pa.Schema = SCHEMA,
) -> tuple[list[dict[str, Any]], str]:
    """Put batches, and return the answers and how the stream ended."""
    writer, reader = client.do_put(descriptor, schema)
    found: list[dict[str, Any]] = []
    # Beside the writing: answers not read yet are lost when a write into an ended stream fails
    reading = threading.Thread(target=lambda: found.extend(answers(reader)))
    reading.start()
    with suppress(pa.ArrowException, flight.FlightError):
        for each, told in batches:
            if told is None:
                writer.write_batch(each)
            else:
                writer.write_with_metadata(each, told)
        writer.done_writing()
    reading.join(300)
    try:
        writer.close()
    except (pa.ArrowException, flight.FlightError) as error:
        return found, str(error)
    return found, ""


def test_each_batch_is_answered_in_its_order() -> None:
    with serving() as table, connect(table) as client:
        found, fault = put(client, [(batch(1, 2), None), (batch(3), metadata("rig-7", 41))])
        assert fault == ""
        assert found == [
            {"version": 1, "rows": 2, "repeated": False},
            {"version": 2, "rows": 1, "repeated": False, "sequence": 41},
        ]
        first, second = table.taken
        assert (first.application, first.sequence) == (None, None)
        assert (second.application, second.sequence) == ("rig-7", 41)


def test_answers_keep_the_order_of_the_batches_whatever_is_durable_first() -> None:
    held: list[Delivery] = []

    def answer(delivery: Delivery) -> None:
        held.append(delivery)
        if len(held) == 3:
            for version, one in enumerate(reversed(held), 1):
                one.acknowledge(Committed(version))

    with serving(answer) as table, connect(table) as client:
        found, _ = put(client, [(batch(i), metadata("a", i)) for i in range(3)])
        assert [(one["sequence"], one["version"]) for one in found] == [(0, 3), (1, 2), (2, 1)]


def test_a_batch_that_is_not_committed_ends_its_stream_in_one_line() -> None:
    def answer(delivery: Delivery) -> None:
        if delivery.sequence == 1:
            delivery.fail(SourceError("column id is too wide"))
        elif delivery.is_void():
            delivery.fail(SourceError("a batch before it has failed"))
        else:
            delivery.acknowledge(Committed(1))

    with serving(answer) as table, connect(table) as client:
        found, fault = put(client, [(batch(i), metadata("a", i)) for i in range(50)])
        assert found[0] == {"version": 1, "rows": 1, "repeated": False, "sequence": 0}
        assert found[1] == {"error": "column id is too wide", "sequence": 1}
        assert all("error" in one for one in found[1:])
        assert fault.startswith("column id is too wide")
        assert "Traceback" not in fault
        assert "\n" not in fault
        again, fault = put(client, [(batch(1), metadata("b", 0))])  # another one is welcome
        assert (len(again), fault) == (1, "")


def test_a_client_that_goes_on_sending_is_stopped() -> None:
    with serving(lambda delivery: delivery.fail(SourceError("no"))) as table:
        client = connect(table)
        writer, _ = client.do_put(EVENTS, SCHEMA)
        with pytest.raises((pa.ArrowException, flight.FlightError)):
            while True:
                writer.write_batch(batch(1))
        client.close()
        assert len(table.taken) < 20  # nothing was taken after those that waited already


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (b"rig-7", "JSON is malformed"),
        (b'{"application": "rig-7"}', "missing required field `sequence`"),
        (b'{"application": "rig-7", "sequence": "1"}', "Expected `int`, got `str`"),
        (b'{"application": "rig-7", "sequence": 1, "more": 1}', "unknown field `more`"),
        (b'{"application": "", "sequence": 1}', "has application '' and sequence 1"),
        (b'{"application": "a", "sequence": -1}', "has application 'a' and sequence -1"),
        (b'{"application": "a", "sequence": 9223372036854775808}', "and sequence 92233720368547"),
        (b"\xff", "the metadata of the batch"),
    ],
)
def test_metadata_that_says_something_else_is_refused(told: bytes, reason: str) -> None:
    with serving() as table, connect(table) as client:
        found, fault = put(client, [(batch(1), None), (batch(2), told)])
        assert found[0]["rows"] == 1
        assert reason in found[1]["error"]
        assert 'expected JSON such as {"application": "rig-7", "sequence": 1}' in fault
        assert len(table.taken) == 1


@pytest.mark.parametrize(
    "descriptor",
    [
        flight.FlightDescriptor.for_path("orders"),
        flight.FlightDescriptor.for_path("events", "more"),
        flight.FlightDescriptor.for_path(),
        flight.FlightDescriptor.for_command(b"events"),
    ],
    ids=repr,
)
def test_another_table_is_refused(descriptor: flight.FlightDescriptor) -> None:
    with serving() as table, connect(table) as client:
        found, fault = put(client, [(batch(1), None)], descriptor)
        assert found == []
        assert "expected the path events" in fault
        assert table.taken == []


@pytest.mark.parametrize(
    "call",
    [
        lambda client: list(client.list_flights()),
        lambda client: client.get_flight_info(EVENTS),
        lambda client: client.get_schema(flight.FlightDescriptor.for_path("other")),
        lambda client: client.do_get(flight.Ticket(b"events")).read_all(),
        lambda client: client.do_exchange(EVENTS)[1].read_all(),
        lambda client: list(client.do_action("anything")),
        lambda client: list(client.list_actions()),
    ],
)
def test_other_calls_are_refused_in_words_without_a_trace_of_this_machine(
    call: Callable[[flight.FlightClient], object],
) -> None:
    with serving() as table, connect(table) as client:
        with pytest.raises(
            (pa.ArrowException, flight.FlightError), match=r"expected the path|nothing but DoPut"
        ) as refused:
            call(client)
        assert str(Path(__file__).parents[2]) not in str(refused.value)
        assert ".pyx" not in str(refused.value) or "other" in str(refused.value)


def test_the_schema_is_told_to_who_asks() -> None:
    with serving() as table, connect(table) as client:
        assert client.get_schema(EVENTS).schema == SCHEMA


def test_a_damaged_batch_is_refused() -> None:
    schema = pa.schema([("s", pa.string())])
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1000, 5)))
    wrong = pa.RecordBatch.from_arrays(
        [pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"abcde"))], schema=schema
    )
    with serving() as table, connect(table) as client:
        _, fault = put(client, [(wrong, None)], schema=schema)
        assert fault.startswith("the batch is damaged: ")
        assert table.taken == []


def test_a_client_that_reads_no_answer_until_it_has_sent_all_halts_nobody() -> None:
    with serving() as table, connect(table) as client, connect(table) as other:
        writer, reader = client.do_put(EVENTS, SCHEMA)
        for i in range(5000):
            writer.write_batch(batch(i))
        assert len(put(other, [(batch(1), None)])[0]) == 1
        writer.done_writing()
        assert len(answers(reader)) == 5000
        writer.close()


def test_many_clients_at_once_are_each_answered_their_own() -> None:
    with serving() as table:
        found: dict[int, list[dict[str, Any]]] = {}

        def send(number: int) -> None:
            with connect(table) as client:
                told = [(batch(i), metadata(f"c{number}", i)) for i in range(20)]
                found[number], _ = put(client, told)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all([a["sequence"] for a in found[n]] == list(range(20)) for n in range(10))
        assert len(table.taken) == 200
        for n in range(10):
            mine = [d.sequence for d in table.taken if d.application == f"c{n}"]
            assert mine == list(range(20))


def test_a_client_waits_while_nobody_takes_its_batches() -> None:
    """Memory is bounded by what is taken: the rest stays with the client."""
    gate = threading.Event()

    def answer(delivery: Delivery) -> None:
        gate.wait(300)
        delivery.acknowledge(Committed(1))

    large = batch(*range(200_000))
    sent: list[int] = []
    with serving(answer) as table, connect(table) as client:
        writer, reader = client.do_put(EVENTS, SCHEMA)

        def send() -> None:
            for i in range(200):
                writer.write_batch(large)
                sent.append(i)
            writer.done_writing()

        thread = threading.Thread(target=send)
        thread.start()
        before = -1
        while before < len(sent):  # until what lies between the two is full
            before = len(sent)
            thread.join(2)
        assert thread.is_alive()
        assert len(sent) < 150
        gate.set()
        thread.join(300)
        assert len(answers(reader)) == 200
        writer.close()


def test_a_stream_ends_when_the_source_is_closed_with_what_was_taken_answered() -> None:
    with serving() as table, connect(table) as client:
        writer, reader = client.do_put(EVENTS, SCHEMA)
        writer.write_batch(batch(1))
        assert json.loads(reader.read().to_pybytes())["rows"] == 1
        table.source.close()
        writer.write_batch(batch(2))
        with pytest.raises(flight.FlightUnavailableError, match="the writer is stopping"):
            writer.close()
        assert len(table.taken) == 1
        assert table.source.wait_for_answers(60)


# Who may


def test_a_token_is_asked_for() -> None:
    security = FlightSecurity(token="s3cret")
    with serving(security=security) as table, connect(table) as client:
        for shown in (None, b"Bearer wrong", b"s3cret", b"Bearer "):
            headers = [] if shown is None else [(b"authorization", shown)]
            with pytest.raises(OSError, match="the token is missing or wrong"):
                client.get_schema(EVENTS, flight.FlightCallOptions(headers=headers))
        right = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer s3cret")])
        assert client.get_schema(EVENTS, right).schema == SCHEMA
        writer, reader = client.do_put(EVENTS, SCHEMA, right)
        writer.write_batch(batch(1))
        assert json.loads(reader.read().to_pybytes())["rows"] == 1
        writer.close()
    assert "s3cret" not in repr(security)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of localhost's own, and its key."""
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", *options, *names, "-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
    )
    return paths


def test_tls_is_spoken_where_there_is_a_certificate(certificate: tuple[Path, Path]) -> None:
    pem, key = (path.read_bytes() for path in certificate)
    with serving(security=FlightSecurity("t", pem, key)) as table:
        assert table.source.address is not None
        assert table.source.address.startswith("grpc+tls://127.0.0.1:")
        with connect(table, tls_root_certs=pem) as client:
            right = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer t")])
            assert client.get_schema(EVENTS, right).schema == SCHEMA


@pytest.mark.parametrize(
    ("security", "missing"),
    [
        (FlightSecurity(), "a token in NEURALAKE_WRITER_TOKEN and --tls-certificate"),
        (FlightSecurity(certificate=b"c", key=b"k"), "a token in NEURALAKE_WRITER_TOKEN, or"),
        (FlightSecurity(token="t"), "--tls-certificate with --tls-key, or"),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_this_machine_it_must_be_protected(
    host: str, security: FlightSecurity, missing: str
) -> None:
    with pytest.raises(SourceError, match="can be reached from other machines") as refused:
        FlightSource(Address(host, 0), ("events",), SCHEMA, security)
    assert missing in str(refused.value)


def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match="Address already in use") as refused:
            FlightSource(Address("127.0.0.1", port), ("events",), SCHEMA)
    assert str(refused.value).startswith(f"cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize(
    "text", ["", "host", ":1", "host:", "host:x", "host:70000", "a:b:1", "[::1:1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SourceError, match="is no address: expected host:port"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [
        ("127.0.0.1:0", True),
        ("localhost:1", True),
        ("[::1]:2", True),
        ("127.9.9.9:3", True),
        ("0.0.0.0:4", False),
        ("[::]:5", False),
        ("10.0.0.1:6", False),
    ],
)
def test_addresses(text: str, is_loopback: bool) -> None:
    address = Address.parse(text)
    assert str(address) == text
    assert address.is_loopback() is is_loopback
