"""What must not wait for a long piece of work is done beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[], object], every_s: float) -> Iterator[None]:
    """Do something again and again in a thread while the block runs, and once after it.

    Parameters
    ----------
    work
        What is done; if it raises it is not done again, and the block's end raises that.
    every_s
        Pause, in seconds.
    """
    ended = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while not ended.wait(every_s):
                work()
        except BaseException as error:  # noqa: BLE001 - raised where the block ends
            errors.append(error)

    thread = threading.Thread(target=run, name="beside")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if errors:
        raise errors[0]
    work()
