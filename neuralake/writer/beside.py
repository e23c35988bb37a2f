"""What must not wait for a long piece of work, or for the pause after it, is done beside both."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self


class Beside:
    """Does something again and again in a thread of its own, never twice at once.

    Parameters
    ----------
    work
        What is done. If it raises it is not done again before :meth:`now` has told of it.
    every_s
        Pause, in seconds.

    Examples
    --------
    >>> with Beside(upkeep.run_once, every_s=0.1) as keeping:
    ...     pack_large_files()
    ...     keeping.now()
    """

    def __init__(self, work: Callable[[], object], every_s: float) -> None:
        self._work = work
        self._every_s = every_s
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beside")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def now(self) -> None:
        """Do it here; or raise what it has raised in its thread since the last call.

        Raises
        ------
        BaseException
            What the work raises.
        """
        with self._lock:
            error, self._error = self._error, None
            if error is not None:
                raise error
            self._work()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            with self._lock:
                if self._error is None:
                    try:
                        self._work()
                    except BaseException as error:  # noqa: BLE001 - raised by now()
                        self._error = error
