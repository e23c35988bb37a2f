"""Removes files of a table that no version within its retention needs.

A file is needed if it is live, or was removed so lately that a reader may still be at a version
before. All else below the table goes once it is old: files that were removed earlier, and those
that no entry names, as of a writer that was killed. Ages are told by the clock of the store.
Source: Delta Transaction Log Protocol, "Add File and Remove File", "VACUUM Protocol Check"; Delta
Lake, ``VacuumCommand`` (what is hidden).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from neuralake.delta.clock import store_time_ms
from neuralake.delta.features import check_vacuumable
from neuralake.delta.intervals import DELETED_FILE_RETENTION, retention_ms
from neuralake.delta.live import LiveFiles
from neuralake.delta.place import open_store
from neuralake.delta.store import Stored
from neuralake.writer.committing import DEADLINE_S
from neuralake.writer.deletion import Deletion
from neuralake.writer.errors import RetentionError
from neuralake.writer.sweep import Sweep
from neuralake.writer.target import resolve
from neuralake.writer.told import told

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable

# For how long a file may be without an entry that names it, while its writer is at work
IN_FLIGHT_S = 600.0
# Between two looks at all of a table, and at what its log says of files that were removed
FULL_EVERY_S = 3600.0
SWEEP_EVERY_S = 10.0
_AT_ONCE = 1000


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum did, or would have done.

    Attributes
    ----------
    version
        Of the table.
    is_dry_run
        Whether nothing was deleted.
    retention_ms
        Files that were removed from the table before that are not needed.
    removed_files, orphans
        Number of files that had been part of the table, and of those that no entry names any more,
        or ever did.
    size_bytes
        Of both together.
    plan_ns
        Reading the log.
    delete_ns
        Listing and deleting.
    """

    version: int
    is_dry_run: bool
    retention_ms: int
    removed_files: int
    orphans: int
    size_bytes: int
    plan_ns: int
    delete_ns: int

    @property
    def files(self) -> int:
        """Number of files."""
        return self.removed_files + self.orphans


class Vacuum:
    """Removes files of one table that are not needed any more.

    Its memory is bounded by the files that are needed. Directories stay, empty ones as well: a
    writer may be about to use one. A file outside of the table, as of a shallow clone's origin, is
    never touched; whether another table, a clone of this one, needs a file of it is not known here.

    Parameters
    ----------
    table
        A table of the catalog, resolved, or the path or URI of one.
    retention_s
        For how long files that were removed are kept, in seconds; the table's own
        ``delta.deletedFileRetentionDuration`` (a week where that is not set) if None.
    is_forced
        Whether a retention below the table's is accepted. Readers of versions within the table's
        own retention may fail then.
    in_flight_s
        Age below which a file that no entry names is taken for one of a writer at work, however
        short the retention, in seconds; at least the deadline of a writer.
    storage_options
        Options of object_store that reach the table, before those of the environment, where
        ``table`` is a URI.

    Raises
    ------
    RetentionError
        If a duration is too short.
    """

    def __init__(
        self,
        table: DeltaTable | str,
        *,
        retention_s: float | None = None,
        is_forced: bool = False,
        in_flight_s: float = IN_FLIGHT_S,
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        if retention_s is not None and retention_s < 0:
            raise RetentionError(f"a retention of {retention_s:g} s is negative")
        if in_flight_s < DEADLINE_S:
            raise RetentionError(
                f"files of {in_flight_s:g} s may be those of a writer at work, who has "
                f"{DEADLINE_S:g} s: give at least that"
            )
        uri, self._options = resolve(table, storage_options)
        self._store = open_store(uri, self._options)
        self._retention_s = retention_s
        self._is_forced = is_forced
        self._in_flight_ms = round(in_flight_s * 1000)
        self._sweep: Sweep | None = None
        self._next_s = float("-inf")

    def keep_up(self, every_s: float = FULL_EVERY_S) -> Vacuumed | None:
        """Delete what is not needed, at the cost of what was committed since the last time.

        Files that were removed go when their retention is over. The first time, and once in a
        while, it is :meth:`run_once`, which lists the table and finds what no entry names.

        Parameters
        ----------
        every_s
            Time between two of these, in seconds.

        Returns
        -------
        Vacuumed or None
            None if there was nothing to delete.

        Raises
        ------
        RetentionError, UnsupportedTableError, WriterError
            As :meth:`run_once`.
        """
        done = None
        if self._sweep is not None and time.monotonic() < self._next_s:
            with self._told():
                done = self._keep_up()
        if done is None:
            self._next_s = time.monotonic() + every_s
            done = self.run_once()
        return done if done.files else None

    def run_once(
        self, *, is_dry_run: bool = False, tell: Callable[[Stored], None] | None = None
    ) -> Vacuumed:
        """Delete what is not needed.

        Parameters
        ----------
        is_dry_run
            Whether nothing is deleted.
        tell
            Called with each file that is, or would be, deleted; before it is.

        Raises
        ------
        RetentionError
            If the retention is below the table's, and not forced.
        UnsupportedTableError
            If the table has a feature of which it is not known which files it needs.
        WriterError
            If there is no such table, or it cannot be read, or a file cannot be deleted.
        """
        with self._told():
            return self._run_once(is_dry_run, tell)

    def _told(self) -> AbstractContextManager[None]:
        uri = self._store.uri
        return told(uri, f"{uri} cannot be vacuumed", self._options)

    def run(
        self,
        stop: Event,
        every_s: float = FULL_EVERY_S,
        tell: Callable[[Vacuumed], None] | None = None,
    ) -> None:
        """Vacuum until told to stop.

        Parameters
        ----------
        stop
            Ends it, after the run that is under way.
        every_s
            As of :meth:`keep_up`, which is called at least every ten seconds.
        tell
            Called after each run that deleted something.

        Raises
        ------
        WriterError
            As :meth:`run_once`.
        """
        while not stop.is_set():
            done = self.keep_up(every_s)
            if done is not None and tell is not None:
                tell(done)
            stop.wait(min(every_s, SWEEP_EVERY_S))

    def _run_once(self, is_dry_run: bool, tell: Callable[[Stored], None] | None) -> Vacuumed:
        begin = time.perf_counter_ns()
        # Before the log is read: a file that is written after this is young
        now_ms = self._now_ms(is_dry_run)
        live = LiveFiles(self._store, keeps_tombstones=True)
        check_vacuumable(live.state)
        keeps_ms = self._retention_ms(live.state.configuration)
        deletion = Deletion(self._store, live, now_ms, keeps_ms, self._in_flight_ms)
        planned = time.perf_counter_ns()
        batch: list[Stored] = []
        for stored in deletion.candidates():
            batch.append(stored)
            if len(batch) == _AT_ONCE:
                deletion.delete(batch, is_dry_run, tell)
                batch = []
        deletion.delete(batch, is_dry_run, tell)
        self._sweep = Sweep(self._store, live, deletion.tables_within)
        return Vacuumed(
            version=live.state.version,
            is_dry_run=is_dry_run,
            retention_ms=keeps_ms,
            removed_files=deletion.removed_files,
            orphans=deletion.orphans,
            size_bytes=deletion.size_bytes,
            plan_ns=planned - begin,
            delete_ns=time.perf_counter_ns() - planned,
        )

    def _keep_up(self) -> Vacuumed | None:
        """Delete what is of no use by now; None if all of the table must be looked at."""
        begin = time.perf_counter_ns()
        sweep = self._sweep
        self._sweep = None  # unless it comes to its end
        if sweep is None or not sweep.follow():
            return None
        state = sweep.live.state
        keeps_ms = self._retention_ms(state.configuration)
        followed = time.perf_counter_ns()
        removed, size_bytes = sweep.run(keeps_ms)
        self._sweep = sweep
        return Vacuumed(
            version=state.version,
            is_dry_run=False,
            retention_ms=keeps_ms,
            removed_files=removed,
            orphans=0,
            size_bytes=size_bytes,
            plan_ns=followed - begin,
            delete_ns=time.perf_counter_ns() - followed,
        )

    def _now_ms(self, is_dry_run: bool) -> int:
        try:
            return store_time_ms(self._store)
        except OSError:
            if is_dry_run:  # which needs no right to write
                return int(time.time() * 1000)
            raise

    def _retention_ms(self, configuration: Mapping[str, str]) -> int:
        own = retention_ms(configuration, DELETED_FILE_RETENTION)
        if self._retention_s is None:
            return own
        asked = round(self._retention_s * 1000)
        if asked < own and not self._is_forced:
            raise RetentionError(
                f"{self._store.uri}: a retention of {asked / 1000:g} s is below the table's own of "
                f"{own / 1000:g} s ({DELETED_FILE_RETENTION}), which readers rely on"
            )
        return asked


def vacuum(
    table: DeltaTable | str,
    *,
    retention_s: float | None = None,
    is_forced: bool = False,
    is_dry_run: bool = False,
    in_flight_s: float = IN_FLIGHT_S,
    storage_options: Mapping[str, str] | None = None,
    tell: Callable[[Stored], None] | None = None,
) -> Vacuumed:
    """Remove files of a table that no version within its retention needs.

    Parameters and errors are those of :class:`Vacuum` and :meth:`Vacuum.run_once`.

    Examples
    --------
    >>> vacuum("/data/events", is_dry_run=True, tell=print)
    >>> vacuum("/data/events").files
    """
    worker = Vacuum(
        table,
        retention_s=retention_s,
        is_forced=is_forced,
        in_flight_s=in_flight_s,
        storage_options=storage_options,
    )
    return worker.run_once(is_dry_run=is_dry_run, tell=tell)
