"""What a client of Flight SQL may want, as the messages in its descriptors, tickets and actions.

A statement is its own handle: the text, with the parameters as Arrow's IPC once they are bound.
Nothing is kept for a client, so that nothing of one reaches another, runs out, or is lost when the
server ends. Source: Arrow, ``FlightSql.proto``.
"""

from __future__ import annotations

from dataclasses import dataclass

from neuralake.serving.flight_sql.wire import Message, WireError, decode, encode

_PREFIX = "type.googleapis.com/arrow.flight.protocol.sql."
# A client sends a handle back within a message that gRPC bounds (4 MiB)
LONGEST_HANDLE = 2 << 20
_MARK = b"neuralake-statement"


@dataclass(frozen=True)
class Command:
    """A message within ``google.protobuf.Any``.

    Attributes
    ----------
    name
        Of the message, such as ``CommandGetTables``.
    message
        Its fields.
    """

    name: str
    message: Message


def parse_command(data: bytes) -> Command:
    """Read what a descriptor, a ticket or an action holds.

    Raises
    ------
    WireError
        If it is no message of Flight SQL.
    """
    outer = decode(data)
    url = outer.text(1)
    if not url.startswith(_PREFIX):
        raise WireError(f"{url[:100]!r} is no command of Flight SQL")
    return Command(url.removeprefix(_PREFIX), decode(outer.data(2)))


def pack(name: str, *fields: tuple[int, int | bytes | str | bool]) -> bytes:
    """A message within ``google.protobuf.Any``."""
    return encode((1, _PREFIX + name), (2, encode(*fields)))


@dataclass(frozen=True)
class Statement:
    """A statement, with its parameters or without.

    Attributes
    ----------
    sql
        Its text.
    parameters
        A record batch of one row, as a stream of Arrow's IPC; empty without.
    """

    sql: str
    parameters: bytes = b""

    @classmethod
    def from_handle(cls, handle: bytes) -> Statement:
        """The statement that a handle is.

        Raises
        ------
        WireError
            If it is none.
        """
        message = decode(handle)
        if message.data(1) != _MARK:
            raise WireError("the handle is of no statement: prepare it again")
        return cls(message.text(2), message.data(3))

    @property
    def handle(self) -> bytes:
        """What a client sends in its place.

        Raises
        ------
        WireError
            If statement and parameters are too large.
        """
        handle = encode((1, _MARK), (2, self.sql), (3, self.parameters))
        if len(handle) > LONGEST_HANDLE:
            raise WireError(
                f"the statement has {len(handle)} bytes with its parameters: "
                f"expected at most {LONGEST_HANDLE}"
            )
        return handle
