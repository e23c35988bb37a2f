"""The server: calls of Flight in, answers of the service out.

Source: Arrow Flight SQL, "RPC Method Usage".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from pyarrow import flight

from neuralake.errors import ServingError, reason_of
from neuralake.serving.answers import RefusedError
from neuralake.serving.backend import Backend
from neuralake.serving.flight_sql.commands import (
    LONGEST_HANDLE,
    Command,
    Statement,
    pack,
    parse_command,
)
from neuralake.serving.flight_sql.errors import as_flight_errors
from neuralake.serving.flight_sql.metadata import metadata
from neuralake.serving.flight_sql.placeholders import numbered, parameter_schema
from neuralake.serving.flight_sql.streams import Streams
from neuralake.serving.flight_sql.wire import WireError, encode
from neuralake.serving.listening import Listening
from neuralake.serving.names import named_tables
from neuralake.sources.address import check_exposure
from neuralake.sources.flight_security import TokenGuard
from neuralake.sources.tls import check_certificate

_TOKEN_VARIABLE = "NEURALAKE_SERVE_TOKEN"  # noqa: S105 - its name
_GRACE_S = 5.0
_CLOSED = encode((1, 1))  # CloseSessionResult: CLOSED
_ACTIONS = {
    "CreatePreparedStatement": "Plan a statement, which comes back as its own handle.",
    "ClosePreparedStatement": "Nothing: the server keeps no statement.",
    "CloseSession": "Nothing: the server keeps no session.",
}
_UNSUPPORTED = {
    "CommandStatementUpdate": "updates",
    "CommandPreparedStatementUpdate": "updates",
    "CommandStatementIngest": "updates",
    "CommandStatementSubstraitPlan": "Substrait plans",
    "CreatePreparedSubstraitPlan": "Substrait plans",
    "BeginTransaction": "transactions",
    "EndTransaction": "transactions",
    "BeginSavepoint": "transactions",
    "EndSavepoint": "transactions",
    "CancelQuery": "CancelQuery: a client that ends its call ends its query",
    "CancelFlightInfo": "CancelFlightInfo: a client that ends its call ends its query",
}


class FlightSqlServer:
    """Answers clients of Flight SQL, from its making until it is closed.

    Parameters
    ----------
    service
        That answers.
    listening
        Where; port 0 takes a free one.
    token
        That every call must show, as ``authorization: Bearer …``; None asks for none.

    Raises
    ------
    SourceError
        If the address is not to be had, others can reach it and it is not protected, or the
        certificate is none.
    """

    def __init__(self, service: Backend, listening: Listening, token: str | None = None) -> None:
        address = listening.address
        is_encrypted = listening.certificate is not None
        check_exposure(address, token=token, is_encrypted=is_encrypted, variable=_TOKEN_VARIABLE)
        if listening.certificate is not None and listening.key is not None:
            check_certificate(listening.certificate, listening.key)
        address = address.available()
        self._streams = Streams(service.options.limits.time_s)
        scheme = "grpc+tls" if is_encrypted else "grpc"
        try:
            self._server = _listen(
                f"{scheme}://{address}", Calls(service, self._streams), listening, token
            )
        except (pa.ArrowException, ValueError, OSError) as error:
            self._streams.close()
            raise ServingError(f"cannot listen on {address}: {reason_of(error)}") from error
        self.port: int = self._server.port
        self.url = f"{scheme}://{address.host_text}:{self.port}"

    def close(self) -> None:
        """End what is on its way, and let go of the port.

        A stream that its client neither reads nor ends holds up the server's shutting down; it is
        waited for a little, and ends with the process.
        """
        self._streams.close()
        ending = threading.Thread(target=self._server.shutdown, name="flight-sql-end", daemon=True)
        ending.start()
        ending.join(_GRACE_S)


class Calls:
    """What the server does with each kind of call.

    Parameters
    ----------
    service
        That answers.
    streams
        Which looks after answers on their way.
    """

    def __init__(self, service: Backend, streams: Streams) -> None:
        self._service = service
        self._streams = streams

    def info(self, descriptor: flight.FlightDescriptor) -> flight.FlightInfo:
        """Where an answer is to be fetched: here, by a ticket that is the command itself."""
        command = _command(descriptor)
        if command.name == "CommandStatementQuery":
            statement = _statement(command)
            schema, ticket = self._describe(statement), _ticket(statement)
        elif command.name == "CommandPreparedStatementQuery":
            statement = Statement.from_handle(command.message.data(1))
            schema, ticket = self._describe(statement), descriptor.command
        else:
            schema, ticket = self._metadata(command).schema, descriptor.command
        endpoint = flight.FlightEndpoint(ticket, [])
        return flight.FlightInfo(schema, descriptor, [endpoint], -1, -1)

    def schema(self, descriptor: flight.FlightDescriptor) -> pa.Schema | flight.FlightError:
        """The columns of an answer, or why there are none."""
        try:
            with as_flight_errors():
                return self.info(descriptor).schema
        except flight.FlightError as error:
            return error.with_traceback(None)

    def get(
        self, context: flight.ServerCallContext, ticket: flight.Ticket
    ) -> flight.FlightDataStream:
        """The answer that a ticket asks for."""
        command = parse_command(ticket.ticket)
        if command.name in ("TicketStatementQuery", "CommandPreparedStatementQuery"):
            statement = Statement.from_handle(command.message.data(1))
            answer = self._service.query(statement.sql, _values(statement))
            return flight.GeneratorStream(answer.schema, self._streams.send(context, answer))
        return flight.RecordBatchStream(self._metadata(command))

    def bind(
        self,
        descriptor: flight.FlightDescriptor,
        reader: flight.MetadataRecordBatchReader,
        writer: flight.FlightMetadataWriter,
    ) -> None:
        """Take the parameters of a prepared statement, and answer by a handle that has them."""
        command = _command(descriptor)
        if command.name != "CommandPreparedStatementQuery":
            raise _unsupported(command.name)
        statement = Statement.from_handle(command.message.data(1))
        bound = Statement(statement.sql, _parameters(reader))
        writer.write(pa.py_buffer(encode((1, bound.handle))))

    def act(self, action: flight.Action) -> Iterator[bytes]:
        """Prepare a statement, or close what nothing is kept of."""
        if action.type == "CreatePreparedStatement":
            command = parse_command(action.body.to_pybytes())
            if command.message.data(2):
                raise _unsupported("BeginTransaction")
            yield self._prepare(Statement(numbered(command.message.text(1))))
        elif action.type == "CloseSession":
            yield _CLOSED
        elif action.type != "ClosePreparedStatement":
            raise _unsupported(action.type)

    def _prepare(self, statement: Statement) -> bytes:
        schema = self._describe(statement)
        return pack(
            "ActionCreatePreparedStatementResult",
            (1, statement.handle),
            (2, schema.serialize().to_pybytes()),
            (3, self._parameters(statement.sql).serialize().to_pybytes()),
        )

    def _parameters(self, sql: str) -> pa.Schema:
        """What a statement's placeholders are held against, by the tables that it may name."""
        names = named_tables(sql, self._service.tables())

        def type_of(column: str) -> pa.DataType | None:
            schemas = [
                self._service.known_schema(name) or self._service.arrow_schema(name)
                for name in names
            ]
            kinds = {schema.field(column).type for schema in schemas if column in schema.names}
            return kinds.pop() if len(kinds) == 1 else None

        return parameter_schema(sql, type_of)

    def _describe(self, statement: Statement) -> pa.Schema:
        return self._service.describe(statement.sql, _values(statement))[0]

    def _metadata(self, command: Command) -> pa.Table:
        table = metadata(command.name, command.message, self._service)
        if table is None:
            raise _unsupported(command.name)
        return table


def _command(descriptor: flight.FlightDescriptor) -> Command:
    if descriptor.command is None:
        raise WireError("the descriptor has a path: expected a command of Flight SQL")
    return parse_command(descriptor.command)


def _statement(command: Command) -> Statement:
    if command.message.data(2):
        raise _unsupported("BeginTransaction")
    return Statement(command.message.text(1))


def _ticket(statement: Statement) -> bytes:
    return pack("TicketStatementQuery", (1, statement.handle))


def _parameters(reader: flight.MetadataRecordBatchReader) -> bytes:
    """One row of values as a stream of Arrow's IPC; empty without any."""
    sink = pa.BufferOutputStream()
    rows = size = 0
    with pa.ipc.new_stream(sink, reader.schema) as writer:
        for chunk in reader:
            if chunk.data is None:
                continue
            rows += chunk.data.num_rows
            size += chunk.data.nbytes
            if rows > 1:
                raise RefusedError("several rows of parameters: expected one, a call for each")
            if size > LONGEST_HANDLE:
                raise RefusedError(f"the parameters have more than {LONGEST_HANDLE} bytes")
            writer.write_batch(chunk.data)
    return bytes(sink.getvalue().to_pybytes()) if rows else b""


def _values(statement: Statement) -> Sequence[pa.Scalar] | Mapping[str, pa.Scalar]:
    """The parameters of a statement by their places, or by names that it has."""
    if not statement.parameters:
        return ()
    with pa.ipc.open_stream(statement.parameters) as reader:
        row = reader.read_all()
    values = [column[0] for column in row.columns]
    names = [name.removeprefix("$") for name in row.column_names]
    is_named = names and all(name.isidentifier() and f"${name}" in statement.sql for name in names)
    return dict(zip(names, values, strict=True)) if is_named else values


def _unsupported(name: str) -> NotImplementedError:
    what = _UNSUPPORTED.get(name, name[:100])
    return NotImplementedError(f"not supported: {what}; this server answers questions alone")


def _listen(
    location: str, calls: Calls, listening: Listening, token: str | None
) -> flight.FlightServerBase:
    """A server that listens already."""

    class Server(flight.FlightServerBase):  # type: ignore[misc]
        def get_flight_info(self, context, descriptor) -> flight.FlightInfo:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            with as_flight_errors():
                return calls.info(descriptor)

        def get_schema(self, context, descriptor) -> flight.SchemaResult:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            found = calls.schema(descriptor)
            if isinstance(found, flight.FlightError):
                raise found
            return flight.SchemaResult(found)

        def do_get(self, context, ticket) -> flight.FlightDataStream:  # type: ignore[no-untyped-def]  # noqa: ANN001
            with as_flight_errors():
                return calls.get(context, ticket)

        def do_put(self, context, descriptor, reader, writer) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            with as_flight_errors():
                calls.bind(descriptor, reader, writer)

        def do_action(self, context, action) -> Iterator[bytes]:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            with as_flight_errors():
                return iter(list(calls.act(action)))

        def list_actions(self, context) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]  # noqa: ANN001, ARG002
            return list(_ACTIONS.items())

    # pyarrow sends the trace of whatever get_schema raises along, with the paths in it
    code = Server.get_schema.__code__
    Server.get_schema.__code__ = code.replace(co_filename="neuralake")
    certificates = []
    if listening.certificate is not None and listening.key is not None:
        certificates = [(listening.certificate.read_bytes(), listening.key.read_bytes())]
    return Server(
        location,
        tls_certificates=certificates,
        middleware={"token": TokenGuard(token)} if token else {},
    )
