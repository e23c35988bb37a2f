"""Ports of this machine for servers that are about to start."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack

from neuralake.errors import NeuralakeError


def free_ports(
    host: str, wanted: Sequence[int], server: str, failure: type[NeuralakeError]
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
        What is raised.

    Raises
    ------
    NeuralakeError
        Of the kind ``failure``, if somebody listens on one of them.
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
