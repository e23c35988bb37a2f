"""Where a server listens, and whether others can reach it."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self

from neuralake.errors import SourceError

_TRIES = 50  # for a port that is free on each address of a host
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]:/@]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Address:
    """A host and a port.

    Attributes
    ----------
    host
        Name or number, without the brackets of IPv6.
    port
        From 0, which takes a free one, to 65535.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``host:port``.

        Raises
        ------
        SourceError
            If it is none.
        """
        match = _ADDRESS.fullmatch(text)
        if match is None or int(match["port"]) > 65535:
            raise SourceError(f"{text!r} is no address: expected host:port, such as 127.0.0.1:8815")
        return cls(match["six"] or match["host"], int(match["port"]))

    def __str__(self) -> str:
        return f"{self.host_text}:{self.port}"

    @property
    def host_text(self) -> str:
        """The host as it stands in a URI."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def check_free(self) -> None:
        """Refuse an address on which this process cannot listen.

        A server's own words for that go to standard error, and say little.

        Raises
        ------
        SourceError
            If the host is not this machine's, or the port is in use.
        """
        for family, number in self._resolved():
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((number, self.port))
                except OSError as error:
                    hint = ""
                    if error.errno == errno.EADDRINUSE:
                        hint = (
                            ": end what listens there, or choose another port (0 takes a free one)"
                        )
                    reason = os.strerror(error.errno) if error.errno else str(error)
                    raise SourceError(f"cannot listen on {self}: {reason}{hint}") from error

    def available(self) -> Self:
        """Where to listen: here, with a port that is free on each address of the host.

        A name such as ``localhost`` has several. What takes a free port of the first of them has
        it on the others only if nobody else listens there, to whom some clients would come.

        Raises
        ------
        SourceError
            If the host is not this machine's, or the port is in use.
        """
        resolved = self._resolved()
        if self.port or len(resolved) == 1:
            self.check_free()
            return self
        for number in range(1, _TRIES + 1):
            found = replace(self, port=_free_port(*resolved[0]))
            try:
                found.check_free()
            except SourceError:
                if number == _TRIES:
                    raise
            else:
                break
        return found

    def is_loopback(self) -> bool:
        """Whether only this machine reaches it.

        Raises
        ------
        SourceError
            If the host has no address.
        """
        return all(ipaddress.ip_address(number).is_loopback for _, number in self._resolved())

    def _resolved(self) -> list[tuple[socket.AddressFamily, str]]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise SourceError(f"cannot listen on {self}: the host has no address") from error
        return [(family, str(address[0])) for family, _, _, _, address in found]


def _free_port(family: socket.AddressFamily, number: str) -> int:
    with socket.socket(family) as probe:
        with suppress(OSError):  # which the check tells
            probe.bind((number, 0))
        return int(probe.getsockname()[1])


def check_exposure(
    address: Address,
    *,
    token: str | None,
    is_encrypted: bool,
    variable: str = "NEURALAKE_WRITER_TOKEN",
) -> None:
    """Refuse a server that others can reach without a token, or in plain text.

    Parameters
    ----------
    address
        Where it is to listen.
    token
        That clients show.
    is_encrypted
        Whether it speaks TLS.
    variable
        Of the environment, that holds the token.

    Raises
    ------
    SourceError
        If it is one; the message says what is missing.
    """
    if address.is_loopback():
        return
    missing = []
    if not token:
        missing.append(f"a token in {variable}")
    if not is_encrypted:
        missing.append("--tls-certificate with --tls-key")
    if missing:
        raise SourceError(
            f"{address} can be reached from other machines: it needs {' and '.join(missing)}, "
            "or listen on 127.0.0.1"
        )
