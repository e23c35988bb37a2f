"""A process of the writer under its supervisor: told what to do over a socket, and mortal with it.

The socket's end is the order to stop, whether the supervisor closes it or is killed (``kill -9``):
then its processes commit what they have read, or leave it unacknowledged, and end.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NoReturn

from neuralake.errors import NeuralakeError, named_reason
from neuralake.garbage import collect_seldom
from neuralake.sources.bearer import token_of
from neuralake.writer.events import Event
from neuralake.writer.modest import step_back
from neuralake.writer.roles import run_role
from neuralake.writer.stopping import Stopping
from neuralake.writer.task import TOKEN_VARIABLE, Task

DRAIN_S = 30.0  # how long what was read may take to be committed, once it is to stop
_FAULT = 70


def main(descriptor: int) -> NoReturn:
    """Do what comes over a socket, tell of it there, and end."""
    stopping = Stopping()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, who asks then
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stopping.request())
    connection = Connection(descriptor)
    try:
        task: Task = connection.recv()
    except (EOFError, OSError):
        os._exit(1)
    if task.role != "append":  # which somebody waits for
        step_back()
    lock = threading.Lock()

    def tell(event: Event) -> None:
        if event.kind == "ready":  # all is loaded
            collect_seldom()
        with lock, suppress(OSError):  # the supervisor is gone: the watch knows
            connection.send(event)

    threading.Thread(target=_watch, args=(connection, stopping), daemon=True).start()
    try:
        status = run_role(task, tell, stopping, token_of(os.environ, TOKEN_VARIABLE))
        text = ""
    except NeuralakeError as error:
        status, text = error.exit_status, str(error)
    except OSError as error:
        status, text = 2, named_reason(error)
    except BaseException as error:  # noqa: BLE001 - told, and the end of the process
        status, text = _FAULT, named_reason(error)
    tell(Event(task.role, "ended", text, {"status": status}))
    # A server of Flight cannot be shut down while a client keeps a stream open
    os._exit(status)


def _watch(connection: Connection, stopping: Stopping) -> None:
    """Stop when the supervisor asks or is gone, and end when the time for that is over."""
    with suppress(EOFError, OSError):
        connection.recv()
    stopping.request()
    threading.Event().wait(DRAIN_S)
    os._exit(1)
