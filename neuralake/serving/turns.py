"""Whose turn it is: so many requests run at once, so many wait, and none for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from neuralake.serving.answers import OverloadedError


class Turns:
    """Places for requests, and a bounded queue before them.

    Parameters
    ----------
    places
        Requests that run at once.
    queue
        Requests that may wait.
    patience_s
        How long one waits.
    """

    def __init__(self, places: int, queue: int, patience_s: float) -> None:
        self.places = places
        self._free = threading.BoundedSemaphore(places)
        self._lock = threading.Lock()
        self._queue = queue
        self._patience_s = patience_s
        self.waiting = 0
        self.running = 0

    def check_room(self) -> None:
        """Refuse a request that would find neither a place nor room to wait.

        Raises
        ------
        OverloadedError
            If it would.
        """
        if self.waiting >= self._queue and self.running >= self.places:
            raise OverloadedError(
                f"{self.running} requests run and {self.waiting} wait: ask again later"
            )

    def take(self) -> Callable[[], None]:
        """Wait for a place.

        Returns
        -------
        Callable
            Gives it back; further calls do nothing.

        Raises
        ------
        OverloadedError
            If too many wait already, or it took too long.
        """
        if not self._free.acquire(blocking=False):
            self._wait()
        with self._lock:
            self.running += 1
        is_taken = threading.Lock()

        def give_back() -> None:
            if is_taken.acquire(blocking=False):
                with self._lock:
                    self.running -= 1
                self._free.release()

        return give_back

    def _wait(self) -> None:
        with self._lock:
            if self.waiting >= self._queue:
                raise OverloadedError(
                    f"{self.running} requests run and {self.waiting} wait: ask again later"
                )
            self.waiting += 1
        began_s = time.monotonic()
        try:
            is_free = self._free.acquire(timeout=self._patience_s)
        finally:
            with self._lock:
                self.waiting -= 1
        if not is_free:
            waited_s = time.monotonic() - began_s
            raise OverloadedError(f"no turn came within {waited_s:.1f} s: ask again later")
