"""The order to stop: given once, by a signal or by the end of whoever started a process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable


class Stopping:
    """Whether the process is to come to its end, and what is called when it is told so."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.RLock()  # a signal may come while its own thread holds it
        self._calls: list[Callable[[], None]] = []

    @property
    def is_requested(self) -> bool:
        """Whether it is to stop."""
        return self._event.is_set()

    def request(self) -> None:
        """Stop; what follows from it is called here, and by no second request."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            calls = list(self._calls)
        for call in calls:
            call()

    def then(self, call: Callable[[], None]) -> None:
        """Call something once it is to stop, at once if that is so already."""
        with self._lock:
            if not self._event.is_set():
                self._calls.append(call)
                return
        call()

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether it is to stop."""
        return self._event.wait(seconds)

    def on_signals(self, *numbers: signal.Signals) -> None:
        """Let the first of some signals ask to stop, and a second one interrupt whatever is done.

        Those that are ignored, by ``nohup`` say, stay so.
        """

        def first(number: int, _frame: object) -> None:
            signal.signal(number, signal.default_int_handler)
            self.request()

        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, first)
