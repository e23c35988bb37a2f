"""Waiting for a module of the user's: it is said, and Ctrl-C ends it whatever the module does."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from neuralake.cli.ending import INTERRUPTED

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_S = 2.0
_GRACE_S = 0.5
_DONE = b"\0"  # no signal has this number


@contextmanager
def waiting_for(source: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Tell what is waited for, if it takes long; and end the process where that is interrupted.

    Python raises ``KeyboardInterrupt`` in the module, whose libraries may hold it up, or catch it.
    So another thread hears of the signal as soon as the kernel delivers it, and ends the process if
    the module has not been left by then: nothing of a command has begun when a catalog is loaded.

    Parameters
    ----------
    source
        What is waited for, as its user names it.
    tell
        Takes a line for standard error.
    """
    hearing, telling = socket.socketpair()
    telling.setblocking(False)
    is_main = threading.current_thread() is threading.main_thread()  # who alone hears signals
    handlers = {number: signal.getsignal(number) for number in ENDING}
    earlier = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False) if is_main else -1
    watcher = threading.Thread(target=_watch, args=(hearing, source, tell), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        if is_main:
            signal.set_wakeup_fd(earlier)
            for number, handler in handlers.items():
                if signal.getsignal(number) != handler:
                    signal.signal(number, handler)
        telling.send(_DONE)
        watcher.join()
        hearing.close()
        telling.close()


def _watch(hearing: socket.socket, source: str, tell: Callable[[str], None]) -> None:
    patience_s: float | None = _PATIENCE_S
    while True:
        heard = _hear(hearing, patience_s)
        if _DONE in heard:
            return
        if not heard:
            tell(f"waiting for the code of catalog {source}, which runs; Ctrl-C ends it")
            patience_s = None
        elif any(bytes([number]) in heard for number in ENDING):
            break
    end = time.monotonic() + _GRACE_S
    while (left_s := end - time.monotonic()) > 0:
        if _DONE in _hear(hearing, left_s):
            return
    tell("interrupted")
    os._exit(INTERRUPTED)


def _hear(hearing: socket.socket, timeout_s: float | None) -> bytes:
    """Numbers of signals, or that it is done; nothing after the time."""
    ready, _, _ = select.select([hearing], [], [], timeout_s)
    return hearing.recv(4096) if ready else b""
