"""Work in a thread that a process does not wait for when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def in_daemon(call: Callable[[], T], name: str) -> tuple[Future[T], threading.Thread]:
    """Call in a thread of its own, in this one's context; its end is not waited for.

    The threads of an executor are: a call that hangs would keep the process.

    Parameters
    ----------
    call
        Whatever it raises is the future's exception, a Rust panic and ``SystemExit`` among it.
    name
        Of the thread.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
            done.set_exception(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), name=name, daemon=True)
    thread.start()
    return done, thread
