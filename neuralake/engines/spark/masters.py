"""Where Spark does its work: in the JVM that we start, on a cluster, or behind Spark Connect."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Final, Literal

from neuralake.errors import EngineError

Kind = Literal["local", "cluster", "connect"]

LOCAL: Final = "local"
CONNECT_TIMEOUT_S: Final = 5.0
_LOOPBACK = "127.0.0.1"
_CLUSTER = "spark://"
_CONNECT = "sc://"
_DEFAULT_CONNECT_PORT = 15002  # Spark Connect, "Connection string to the Spark Connect server"
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:]+\]|[^\s:/;?#@\[\],]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Master:
    """A place of work.

    Attributes
    ----------
    kind
        Of which sort.
    text
        As it was written.
    addresses
        Hosts and ports at which it may be reached: of a cluster one or more masters, of which one
        leads.
    """

    kind: Kind
    text: str
    addresses: tuple[tuple[str, int], ...] = ()

    @property
    def shown(self) -> str:
        """As results may hold it: without what a connection string has after its address."""
        return self.text.partition(";")[0].rstrip("/") if self.kind == "connect" else self.text


def parse_master(text: str) -> Master:
    """Read ``local``, ``spark://HOST:PORT[,HOST:PORT…]`` or ``sc://HOST[:PORT][/;KEY=VALUE…]``.

    Raises
    ------
    EngineError
        If it is none of these.
    """
    if text == LOCAL:
        return Master("local", text)
    if text.startswith(_CLUSTER):
        found = [_ADDRESS.fullmatch(part) for part in text.removeprefix(_CLUSTER).split(",")]
        if addresses := _addresses(found):
            return Master("cluster", text, addresses)
    if text.startswith(_CONNECT):
        address = re.split(r"[/;]", text.removeprefix(_CONNECT), maxsplit=1)[0]
        if address and ":" not in address:
            address = f"{address}:{_DEFAULT_CONNECT_PORT}"
        if addresses := _addresses([_ADDRESS.fullmatch(address)]):
            return Master("connect", text, addresses)
    raise EngineError(
        f"spark: master is {_without_secret(text)!r}: expected local, spark://HOST:PORT or "
        "sc://HOST:PORT"
    )


def require_reachable(master: Master) -> None:
    """Refuse a master at which nobody listens, before anything is started for it.

    Raises
    ------
    EngineError
        If no connection can be made within :data:`CONNECT_TIMEOUT_S` for each address.
    """
    reasons = []
    for host, port in master.addresses:
        try:
            connection = socket.create_connection((host.strip("[]"), port), CONNECT_TIMEOUT_S)
        except OSError as error:
            reasons.append(f"{host}:{port}: {error.strerror or error}")
        else:
            connection.close()
            return
    if reasons:
        what = "Spark Connect server" if master.kind == "connect" else "master of a Spark cluster"
        raise EngineError(
            f"spark: no {what} answers at {master.shown} ({'; '.join(reasons)}): start one, or "
            "correct the address"
        )


def own_address(master: Master) -> str:
    """The address of this machine that the executors reach: that of the way to the master."""
    if not master.addresses:
        return _LOOPBACK
    host, port = master.addresses[0]
    try:
        family, kind, protocol, _, there = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(there)  # sends nothing
            return str(probe.getsockname()[0])
    except OSError as error:
        raise EngineError(
            f"spark: the master's host {host} cannot be found: {error.strerror or error}"
        ) from error


def _addresses(found: list[re.Match[str] | None]) -> tuple[tuple[str, int], ...]:
    pairs = [(match["host"], int(match["port"])) for match in found if match is not None]
    is_whole = len(pairs) == len(found) and all(0 < port < 2**16 for _, port in pairs)
    return tuple(pairs) if is_whole else ()


def _without_secret(text: str) -> str:
    return text.partition(";")[0]
