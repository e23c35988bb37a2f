"""What is committed to a table while ROAPI serves it, and whether ROAPI still reads it rightly.

ROAPI re-reads a table's log from time to time. A deletion vector that it meets then it passes over
in silence, and so some other things: an answer is only handed out once the log, as it is after the
answer was made, is known to hold none of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import unquote

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.config import Settings
from neuralake.delta.actions import Add
from neuralake.delta.log import NotATableError, find_entry
from neuralake.delta.nans import has_floats, hides_nan
from neuralake.delta.paths import absolute, is_absolute
from neuralake.delta.place import open_store
from neuralake.delta.state import is_newest_there, load_state
from neuralake.delta.store import Store
from neuralake.errors import reason_of
from neuralake.footer import read_footer
from neuralake.serving.roapi.refusals import Freshness, refusal
from neuralake.storage import filesystem


class TableWatch:
    """One table's log, followed from the version at which the table was found fit.

    Parameters
    ----------
    table
        Resolved, and not refused.
    freshness
        How it is served.
    settings
        Of the environment.
    """

    def __init__(self, table: DeltaTable, freshness: Freshness, settings: Settings) -> None:
        self._table = table
        self._freshness = freshness
        self._settings = settings
        self._store: Store = open_store(table.uri, table.storage_options)
        self._lock = threading.Lock()
        self._state = load_state(self._store)
        # Asked after the version is known, so that what is committed meanwhile is looked at twice
        self._has_floats = any(map(has_floats, table.arrow_schema().types))
        self._reason = refusal(table, self._freshness, settings)

    @property
    def version(self) -> int:
        """The newest that was looked at."""
        return self._state.version

    def reason(self) -> str | None:
        """Why ROAPI may answer wrongly of the table from now on, or None.

        Once there is a reason it stays: it takes a new start to serve the table again.
        """
        with self._lock:
            if self._reason is None:
                try:
                    self._reason = self._follow()
                except (OSError, ValueError, NotATableError, pa.ArrowException) as error:
                    return f"its log cannot be followed: {reason_of(error)}"
            return self._reason

    def _follow(self) -> str | None:
        if not is_newest_there(self._store, self._state):
            return (
                f"its log has not the entry of version {self.version} that it had: it was replaced"
            )
        while (entry := find_entry(self._store, self.version + 1)) is not None:
            actions = entry.actions
            added = [action.add for action in actions if action.add is not None]
            if (reason := self._fault_of(added)) is not None:
                return f"{reason} since version {entry.version}"
            if any(a.protocol is not None or a.metaData is not None for a in actions):
                if (reason := refusal(self._table, self._freshness, self._settings)) is not None:
                    return f"{reason}, since version {entry.version}"
                self._has_floats = any(map(has_floats, self._table.arrow_schema().types))
            self._state = self._state.after(entry)
        return None

    def _fault_of(self, added: Iterable[Add]) -> str | None:
        for add in added:
            if add.deletion_vector is not None:
                return "it has deletion vectors"
            if is_absolute(unquote(add.path)):
                return "its log names files by absolute paths"
            if any(value == "" for value in add.partition_values.values()):
                return "its log has an empty partition value"
            if self._has_floats and self._hides_nan(add):
                return "it has NaN that the statistics of its files leave out"
        return None

    def _hides_nan(self, add: Add) -> bool:
        uri = absolute(self._table.uri, unquote(add.path))
        system, path = filesystem(uri, self._table.storage_options)
        try:
            footer = read_footer(system, path)
            return hides_nan({uri: footer}, self._table.storage_options)
        except FileNotFoundError:  # removed since, and vacuumed
            return False
