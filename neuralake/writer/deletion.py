"""Which files of a table go, and their deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from neuralake.delta.live import LiveFiles
from neuralake.delta.needed import needed_places
from neuralake.delta.store import Store, Stored
from neuralake.delta.visible import Visible


class Deletion:
    """Which files of a table go, as it follows the log, and how many went.

    Parameters
    ----------
    store
        Of the table.
    live
        Its files and tombstones.
    now_ms
        Time of the store, from before the log was read.
    keeps_ms
        For how long files that were removed are kept.
    in_flight_ms
        Age below which a file that no entry names is taken for one of a writer at work.

    Attributes
    ----------
    tables_within
        Directories of other tables below this one, once the candidates were looked for.
    removed_files, orphans, size_bytes
        Of what was deleted so far, as of :class:`~neuralake.writer.vacuum.Vacuumed`.
    """

    def __init__(
        self, store: Store, live: LiveFiles, now_ms: int, keeps_ms: int, in_flight_ms: int
    ) -> None:
        self._store = store
        self._live = live
        self._horizon_ms = now_ms - keeps_ms
        self._orphan_ms = min(self._horizon_ms, now_ms - in_flight_ms)
        self._temporary_ms = now_ms - in_flight_ms
        self._visible = Visible(live.state)
        self._needed = needed_places(store, live, self._horizon_ms)
        self._removed = {tombstone.place for tombstone in live.tombstones.values()}
        self.tables_within: tuple[str, ...] = ()
        self.removed_files = 0
        self.orphans = 0
        self.size_bytes = 0

    def candidates(self) -> Iterator[Stored]:
        """Files that are old enough, and not needed."""
        self.tables_within = others = self._tables_within()
        for stored in self._store.list():
            path = stored.path
            if path.startswith(others):
                continue
            if self._visible.is_temporary(path):
                if stored.modified_ms < self._temporary_ms:
                    yield stored
            elif self._visible.is_data(path) and path not in self._needed:
                limit = self._horizon_ms if path in self._removed else self._orphan_ms
                if stored.modified_ms < limit:
                    yield stored

    def delete(
        self, batch: list[Stored], is_dry_run: bool, tell: Callable[[Stored], None] | None
    ) -> None:
        """Delete files, but for those that became part of the table since it was read."""
        if not batch:
            return
        self._needed.update(file.place for file in self._live.follow().added)
        batch = [stored for stored in batch if stored.path not in self._needed]
        for stored in batch:
            self.removed_files += stored.path in self._removed
            self.orphans += stored.path not in self._removed
            self.size_bytes += stored.size_bytes
            if tell is not None:
                tell(stored)
        if not is_dry_run:
            self._store.delete([stored.path for stored in batch])

    def _tables_within(self) -> tuple[str, ...]:
        """Directories of other tables that lie below this one: their files are theirs."""
        found = set()
        for stored in self._store.list():
            root, log, _ = stored.path.partition("/_delta_log/")
            if log:
                found.add(f"{root}/")
        return tuple(sorted(found))
