"""The tables of a service that are in memory: one budget, and who gives way when it is spent."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from neuralake.catalog.tables import DeltaTable
from neuralake.catalog.views import is_view
from neuralake.errors import NeuralakeError
from neuralake.serving.hot import HotSnapshot, HotTable, UnsuitedError

# From one look at the logs to the next while nobody asks, so that there is never much to catch up
_LOOK_S = 0.25
# For which a table that gave way stays away, unless there is room
_AWAY_S = 10.0
# Of the budget, that a table may have whatever others take
_LEAST_SHARE = 8


class Following:
    """Delta tables in memory that follow their logs; safe for many threads.

    Parameters
    ----------
    most_bytes
        Memory for all of them.
    large_bytes
        As of :class:`HotTable`.
    """

    def __init__(self, most_bytes: int, large_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._large_bytes = large_bytes
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._ended = threading.Event()
        self.hot: dict[str, HotTable] = {}
        self.unsuited: dict[str, str] = {}
        self._away_until_s: dict[str, float] = {}

    def snapshot(self, table: DeltaTable, staleness_s: float) -> HotSnapshot | None:
        """A table as it is now, or None if it is not kept in memory.

        Raises
        ------
        NeuralakeError
            If it cannot be read.
        """
        name = table.name
        if (
            not self._most_bytes
            or table != table.as_of()
            or is_view(table)
            or name in self.unsuited
        ):
            return None
        if time.monotonic() < self._away_until_s.get(name, 0.0):
            return None
        try:
            hot = self.hot.get(name) or self._load(table)
            found = hot.snapshot(staleness_s)
        except UnsuitedError as error:
            self.unsuited[name] = str(error)
            self.hot.pop(name, None)
            return None
        hot.used_s = time.monotonic()
        if self.size_bytes() > self._most_bytes:
            self._make_room(name)
        return found

    def size_bytes(self) -> int:
        """Memory that all of them take."""
        return sum(hot.size_bytes for hot in list(self.hot.values()))

    def follow(self) -> None:
        """Follow the logs, and read the files that are left, until it is closed."""
        while not self._ended.wait(_LOOK_S):
            for name, hot in list(self.hot.items()):
                if self._ended.is_set():
                    return
                try:
                    hot.snapshot(_LOOK_S)
                except UnsuitedError as error:
                    self.unsuited[name] = str(error)
                    self.hot.pop(name, None)
                except NeuralakeError:  # told to whoever asks
                    continue
            self.read_what_is_left()

    def close(self) -> None:
        """Forget the tables."""
        self._ended.set()
        self.hot.clear()

    def read_what_is_left(self) -> None:
        """Read files that are not in memory while there is room."""
        for hot in list(self.hot.values()):
            with suppress(NeuralakeError):
                while not self._ended.is_set() and self._has_room() and hot.read_one_more():
                    pass

    def _load(self, table: DeltaTable) -> HotTable:
        with self._lock:
            loading = self._loading.setdefault(table.name, threading.Lock())
        with loading:  # one table does not wait for another
            hot = self.hot.get(table.name)
            if hot is None:
                hot = HotTable(table, self._room(), self._large_bytes)
                self.hot[table.name] = hot
            return hot

    def _room(self) -> int:
        """Memory for a table that comes, beside those that were asked for of late."""
        since_s = time.monotonic() - _AWAY_S
        used = sum(hot.size_bytes for hot in list(self.hot.values()) if hot.used_s > since_s)
        return max(self._most_bytes - used, self._most_bytes // _LEAST_SHARE)

    def _make_room(self, spared: str) -> None:
        """Let the tables go that were not asked for the longest time, but for one."""
        with self._lock:
            others = sorted((hot.used_s, name) for name, hot in self.hot.items() if name != spared)
            for _, name in others:
                if self.size_bytes() <= self._most_bytes:
                    return
                self.hot.pop(name, None)
                self._away_until_s[name] = time.monotonic() + _AWAY_S

    def _has_room(self) -> bool:
        return self.size_bytes() < self._most_bytes
