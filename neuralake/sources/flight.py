"""Arrow Flight ``DoPut``: any Arrow client, in any language, sends batches and hears of each.

The path of the descriptor is the table. A batch may come with metadata, a JSON object with
``application`` and ``sequence``. Each batch is answered, in the order of its stream, by a JSON
object: ``version``, ``rows``, ``repeated`` and ``sequence`` once it is durable, or ``error`` if it
is not committed, after which the stream takes nothing more. Source: Arrow Flight RPC, "Uploading
Data".
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import flight

from neuralake.errors import SourceError, reason_of
from neuralake.sources.address import Address, check_exposure
from neuralake.sources.flight_security import FlightSecurity, TokenGuard
from neuralake.sources.flight_stream import FlightStream
from neuralake.sources.source import Delivery

_WAITING = 4  # deliveries that wait for whoever takes them, who bounds the memory of what is taken
_ANSWERED = "nothing but DoPut and GetSchema is answered here"
_GRACE_S = 1.0  # in which the client of a stream that has failed may read why


class FlightSource:
    """What clients put into one table.

    Parameters
    ----------
    address
        Where it listens; port 0 takes a free one.
    tables
        Names of the table, any of which a descriptor's path may be.
    schema
        Of the table, told to who asks.
    security
        Token and certificate.

    Raises
    ------
    SourceError
        If the address is not to be had, or others can reach it and it is not protected.
    """

    is_repeatable = True
    rejected = 0

    def __init__(
        self,
        address: Address,
        tables: tuple[str, ...],
        schema: pa.Schema,
        security: FlightSecurity | None = None,
    ) -> None:
        security = security or FlightSecurity()
        check_exposure(address, token=security.token, is_encrypted=security.is_encrypted)
        self._waiting = _Waiting()
        self._streams = _Streams()
        self._server = _listen(
            address, _Service(tables, schema, self._waiting, self._streams), security
        )
        scheme = "grpc+tls" if security.is_encrypted else "grpc"
        self.address: str | None = f"{scheme}://{address.host_text}:{self._server.port}"

    def batches(self) -> Iterator[Delivery]:
        """What clients put, in the order of each stream, until it is closed."""
        while (delivery := self._waiting.take()) is not None:
            yield delivery

    def close(self) -> None:
        """Take no further batch; what was taken is answered still."""
        self._waiting.close()

    def wait_for_answers(self, longest_s: float) -> bool:
        """Wait until clients have been sent whatever there is to say; False if they do not read.

        The server itself cannot be shut down while a client keeps a stream open: it ends with its
        process.
        """
        return self._streams.wait(longest_s)


class _Waiting:
    """A few deliveries between the streams' threads and whoever takes them."""

    def __init__(self) -> None:
        self._deliveries: deque[Delivery] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def put(self, delivery: Delivery) -> bool:
        """Wait for room; False if nothing is taken any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._deliveries) < _WAITING)
            if self._is_closed:
                return False
            self._deliveries.append(delivery)
            self._changed.notify_all()
            return True

    def take(self) -> Delivery | None:
        """Wait for one; None once it is closed and all are taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._deliveries)
            if not self._deliveries:
                return None
            delivery = self._deliveries.popleft()
            self._changed.notify_all()
            return delivery

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class _Streams:
    """The streams that are open."""

    def __init__(self) -> None:
        self._open: set[FlightStream] = set()
        self._lock = threading.Lock()

    def begin(self, writer: flight.FlightMetadataWriter) -> FlightStream:
        stream = FlightStream(writer)
        with self._lock:
            self._open.add(stream)
        return stream

    def end(self, stream: FlightStream) -> None:
        with self._lock:
            self._open.discard(stream)

    def wait(self, longest_s: float) -> bool:
        with self._lock:
            streams = list(self._open)
        end = time.monotonic() + longest_s
        return all(stream.wait_until_answered(end - time.monotonic()) for stream in streams)


@dataclass(frozen=True)
class _Service:
    """What the server does with a call."""

    tables: tuple[str, ...]
    schema: pa.Schema
    waiting: _Waiting
    streams: _Streams

    def put(
        self,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.FlightMetadataWriter,
    ) -> None:
        """Take the batches of a stream, and return when each is answered."""
        self.check_table(descriptor)
        stream = self.streams.begin(writer)
        try:
            self._take_all(stream, reader)
        finally:
            stream.finish()
            self.streams.end(stream)
        if stream.failure is not None:
            raise flight.FlightServerError(reason_of(stream.failure))

    def _take_all(self, stream: FlightStream, reader: flight.MetadataRecordBatchReader) -> None:
        while True:
            try:
                chunk = reader.read_chunk()
            except StopIteration:
                return
            if stream.failure is not None:
                _pass_over(reader)
                return
            if chunk.data is None:
                continue
            try:
                delivery = stream.delivery(chunk.data, chunk.app_metadata)
            except SourceError as error:
                stream.refuse(error)
                _pass_over(reader)
                return
            if not self.waiting.put(delivery):
                stream.withdraw()
                raise flight.FlightUnavailableError(
                    "the writer is stopping: send again what was not acknowledged"
                )

    def check_table(self, descriptor: flight.FlightDescriptor) -> None:
        if (refusal := self.refusal(descriptor)) is not None:
            raise refusal

    def refusal(self, descriptor: flight.FlightDescriptor) -> flight.FlightServerError | None:
        """What is said of a descriptor of another table."""
        path = [part.decode(errors="replace") for part in descriptor.path or []]
        if len(path) == 1 and path[0] in self.tables:
            return None
        named = repr("/".join(path)) if path else "no path"
        return flight.FlightServerError(
            f"the descriptor has {named}: expected the path {' or '.join(self.tables)}"
        )


def _pass_over(reader: flight.MetadataRecordBatchReader) -> None:
    """Read what the client still sends, for a while, and do nothing with it.

    A client whose write meets a stream that has ended loses the answers that it has not read yet,
    the reason of the failure among them.
    """
    end = time.monotonic() + _GRACE_S
    while time.monotonic() < end:
        try:
            reader.read_chunk()
        except StopIteration:
            return


def _listen(
    address: Address, service: _Service, security: FlightSecurity
) -> flight.FlightServerBase:
    """A server that listens already."""

    class Server(flight.FlightServerBase):  # type: ignore[misc]
        def do_put(self, context, descriptor, reader, writer) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            service.put(descriptor, reader, writer)

        def get_schema(self, context, descriptor) -> flight.SchemaResult:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            if (refusal := service.refusal(descriptor)) is not None:
                raise refusal
            return flight.SchemaResult(service.schema)

        def list_flights(self, *_: object) -> None:
            raise flight.FlightServerError(_ANSWERED)

        get_flight_info = do_get = do_exchange = list_actions = do_action = list_flights

    # pyarrow sends the trace of whatever get_schema raises along, with the paths in it
    code = Server.get_schema.__code__
    Server.get_schema.__code__ = code.replace(co_filename="neuralake")
    address = address.available()
    scheme = "grpc+tls" if security.is_encrypted else "grpc"
    try:
        return Server(
            f"{scheme}://{address}",
            tls_certificates=[(security.certificate, security.key)]
            if security.is_encrypted
            else [],
            middleware={"token": TokenGuard(security.token)} if security.token else {},
        )
    except (pa.ArrowException, ValueError) as error:
        raise SourceError(f"cannot listen on {address}: {reason_of(error)}") from error
