"""Removes files of a table as soon as their retention is over, by what the log says alone.

What it costs is what was committed since, and what is removed: nothing is listed but the log's
entries of files whose time may have come. What no entry names it does not know of: a vacuum finds
that, and it follows from where one has ended. Source: Delta Transaction Log Protocol, "Add File and
Remove File".
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from neuralake.delta.clock import store_time_ms
from neuralake.delta.features import check_vacuumable
from neuralake.delta.live import LiveFiles
from neuralake.delta.live_file import Tombstone
from neuralake.delta.log import LOG, entry_path, entry_version
from neuralake.delta.paths import is_absolute
from neuralake.delta.store import Store
from neuralake.delta.visible import Visible


class Sweep:
    """Follows a table, and removes what becomes of no use.

    Parameters
    ----------
    store
        Of the table.
    live
        Its files with tombstones, as a vacuum has left them.
    others
        Directories below the table that are of other tables.
    """

    def __init__(self, store: Store, live: LiveFiles, others: Sequence[str]) -> None:
        self._store = store
        self._live = live
        self._others = tuple(others)
        self._begun = live.state.version

    @property
    def live(self) -> LiveFiles:
        """The table, as it was last seen."""
        return self._live

    def follow(self) -> bool:
        """Move on to the newest version; False if that must be vacuumed: it was read anew."""
        is_reloaded = self._live.follow().is_reloaded
        check_vacuumable(self._live.state)
        return not is_reloaded

    def run(self, keeps_ms: int) -> tuple[int, int]:
        """Remove the files whose retention is over.

        Parameters
        ----------
        keeps_ms
            How long files that were removed are kept, in milliseconds.

        Returns
        -------
        tuple of int
            How many they were, and their bytes, as the log says.

        Raises
        ------
        OSError, ValueError
            If the log cannot be read, or a file cannot be deleted.
        """
        first = next(iter(self._live.tombstones.values()), None)
        if first is None or first.timestamp_ms >= int(time.time() * 1000) - keeps_ms:
            return 0, 0
        horizon_ms = store_time_ms(self._store) - keeps_ms
        late = self._first_since(horizon_ms, self._version(first))

        def is_over(tombstone: Tombstone) -> bool:
            return tombstone.timestamp_ms < horizon_ms and self._version(tombstone) < late

        visible = Visible(self._live.state)
        gone = [
            tombstone
            for tombstone in self._live.forget(is_over)
            if not is_absolute(tombstone.place)
            and visible.is_data(tombstone.place)
            and not tombstone.place.startswith(self._others)
        ]
        self._store.delete([tombstone.place for tombstone in gone])
        return len(gone), sum(tombstone.size_bytes for tombstone in gone)

    def _version(self, tombstone: Tombstone) -> int:
        """Of the entry that removed a file, or a later one."""
        return self._begun if tombstone.version is None else tombstone.version

    def _first_since(self, moment_ms: int, version: int) -> float:
        """The first entry from a version on that was stored since a moment.

        It holds for what it removed as well, whatever the clock said of who did.
        """
        for stored in self._store.list(LOG, after=entry_path(version - 1)):
            found = entry_version(stored.path)
            if found is not None and stored.modified_ms >= moment_ms:
                return found
        return float("inf")
