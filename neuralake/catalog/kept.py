"""The snapshot that a table was last read at, kept for the next time and never older than its log.

Each look asks the log whether the version that is kept is still the newest: a read of its entry,
which must be as it was, and a look for the next one. Only what was committed since is then read.
"""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import deltalake

    from neuralake.delta.store import Store


class Kept:
    """A snapshot; none at first, and in another process.

    Safe for several threads. What is handed out stays at its version: a snapshot that somebody
    still holds is not moved on, and the log is read anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: deltalake.DeltaTable | None = None
        self._mark: bytes | None = None
        self._given: list[weakref.ref[deltalake.DeltaTable]] = []

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()

    def snapshot(
        self,
        open_store: Callable[[], Store],
        version: int | None,
        load: Callable[[], deltalake.DeltaTable],
    ) -> deltalake.DeltaTable:
        """The snapshot of a version, or the newest one.

        Parameters
        ----------
        open_store
            Opens the store of the table; without it nothing is kept.
        version
            Its number; None for the newest.
        load
            Reads the whole log.

        Raises
        ------
        Exception
            What ``load`` raises.
        """
        from neuralake.delta.log import mark_of

        with self._lock:
            if not self._is_current(open_store, version):
                self._handle, self._mark, self._given = None, None, []
                handle = load()
                with suppress(Exception):
                    self._mark = mark_of(open_store(), handle.version())
                if self._mark is None:  # nothing would tell of a change
                    return handle
                self._handle = handle
            assert self._handle is not None  # noqa: S101 - it is current, or was loaded
            given = copy.copy(self._handle)  # of the same state, and known to be held
            self._given = [ref for ref in self._given if ref() is not None]
            self._given.append(weakref.ref(given))
            return given

    def _is_current(self, open_store: Callable[[], Store], version: int | None) -> bool:
        """Whether what is kept is what is wanted, or could be moved on to it."""
        from neuralake.delta.log import entry_path, mark_of

        handle = self._handle
        if handle is None:
            return False
        kept = handle.version()
        try:
            store = open_store()
            if version is not None:
                return kept == version and mark_of(store, kept) == self._mark
            # Entries are cleaned up in their order: where the next is gone, this one is by now
            has_more = store.exists(entry_path(kept + 1))
            if mark_of(store, kept) != self._mark:
                return False
            if not has_more:
                return True
            if any(ref() is not None for ref in self._given):
                return False
            handle.update_incremental()
            self._mark = mark_of(store, handle.version())
        except Exception:  # noqa: BLE001 (whatever it is, who reads the whole log tells it)
            return False
        return self._mark is not None and handle.version() > kept
