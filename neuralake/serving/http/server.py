"""The server itself: where it listens, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from neuralake.garbage import collect_seldom
from neuralake.serving.backend import Backend
from neuralake.serving.http.app import Api, HttpOptions
from neuralake.serving.http.patience import PatientProtocol
from neuralake.serving.listening import Listening
from neuralake.sources.address import Address, check_exposure
from neuralake.sources.tls import check_certificate

TOKEN_VARIABLE = "NEURALAKE_SERVE_TOKEN"  # noqa: S105 - its name
_BACKLOG = 2048
_DRAIN_S = 10
# For which a thread that encodes an answer may keep the loop from the next request
_SWITCH_S = 0.001
_KEEP_ALIVE_S = 30
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def serve(
    service: Backend,
    listening: Listening,
    token: str | None,
    tell: Callable[[str], None],
) -> None:
    """Answer requests until the process is asked to end; what was begun is answered still.

    Parameters
    ----------
    service
        That answers.
    listening, token
        Where, and what requests must show.
    tell
        Is told the server's URL as soon as it answers.

    Raises
    ------
    SourceError
        If the address is not to be had, others can reach it and it is not protected, or the
        certificate is none.
    """
    address = listening.address
    is_encrypted = listening.certificate is not None
    check_exposure(address, token=token, is_encrypted=is_encrypted, variable=TOKEN_VARIABLE)
    if listening.certificate is not None and listening.key is not None:
        check_certificate(listening.certificate, listening.key)
    is_open = token is None and address.is_loopback()
    hosts = _LOOPBACK_NAMES | {address.host.lower()} if is_open else frozenset[str]()
    allow_many_connections()
    with listen(address) as bound:
        api = Api(service, HttpOptions(token, hosts))
        sys.setswitchinterval(_SWITCH_S)
        server = _Server(_config(api, listening), tell, _url(address, bound, is_encrypted))
        try:
            asyncio.run(server.serve([bound]))
        finally:
            api.close()


def allow_many_connections() -> None:
    """Have as many open files as the system allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def listen(address: Address) -> Iterator[socket.socket]:
    """A socket that listens.

    Raises
    ------
    SourceError
        If the host is not this machine's, or the port is in use.
    """
    address = address.available()
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # By its number: asyncio turns off Nagle's algorithm of such sockets alone, and without that the
    # end of an answer waits 40 ms for the client's acknowledgement of its beginning
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
        bound.listen(_BACKLOG)
        yield bound


class _Server(uvicorn.Server):
    """Says when it answers, and takes signals as the command line does: ending is no failure."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[str], None], url: str) -> None:
        super().__init__(config)
        self._tell = tell
        self._url = url

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let the first signal end it gently; a second one, at once."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in signals:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        collect_seldom()
        self._tell(self._url)

    def _end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def _config(api: Api, listening: Listening) -> uvicorn.Config:
    # What a request met is told by the application; a cut answer is no fault of the server's
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        api,
        log_config=None,
        access_log=False,
        http=PatientProtocol,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
    )
    config.load()
    return config


def _url(address: Address, bound: socket.socket, is_encrypted: bool) -> str:
    port = bound.getsockname()[1]
    return f"{'https' if is_encrypted else 'http'}://{address.host_text}:{port}"
