"""What a server takes that is about to start: free ports, and patience until it answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import Popen

_RETRY_S = 0.05
_TAIL_BYTES = 2000


def free_ports(
    host: str, wanted: Sequence[int], server: str, failure: Callable[[str], Exception]
) -> tuple[int, ...]:
    """Ports that nobody listens on, all different.

    Parameters
    ----------
    host
        At which the server will listen.
    wanted
        Port numbers; 0 takes a free one.
    server
        What it is called in a message, such as ``a broker``.
    failure
        Makes what is raised of a message.

    Raises
    ------
    Exception
        By ``failure``, if somebody listens on one of them.
    """
    with ExitStack() as stack:
        found = []
        for port in wanted:
            probe = stack.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise failure(
                    f"{server} cannot listen on {host}:{port}: {error.strerror}: end what "
                    "listens there, or choose another port (0 takes a free one)"
                ) from error
            found.append(int(probe.getsockname()[1]))
    return tuple(found)


def takes_connections(host: str, port: int) -> bool:
    """Whether somebody listens at an address."""
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


def wait_until_ready(
    process: Popen[bytes],
    server: str,
    is_ready: Callable[[], bool],
    log: Path,
    patience_s: float,
    failure: Callable[[str], Exception],
) -> None:
    """Wait until a server that was started is ready.

    Parameters
    ----------
    process
        Its own.
    server
        What it is called in a message.
    is_ready
        Whether it is; what it raises passes through.
    log
        Whose end a message has.
    patience_s
        How long, in seconds.
    failure
        Makes what is raised of a message.

    Raises
    ------
    Exception
        By ``failure``, if the process ends, or is not ready in time.
    """
    deadline_s = time.monotonic() + patience_s
    while True:
        if process.poll() is not None:
            raise failure(f"{server} ended with status {process.returncode}: {log_tail(log)}")
        if is_ready():
            return
        if time.monotonic() > deadline_s:
            raise failure(f"{server} is not ready after {patience_s:g} s: {log_tail(log)}")
        time.sleep(_RETRY_S)


def log_tail(log: Path) -> str:
    """The end of a log, in a line."""
    with suppress(OSError):
        text = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        return " ".join(text.split()) or "its log is empty"
    return "it has no log"
