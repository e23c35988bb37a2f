"""Which tables ROAPI serves rightly: asked at each of its starts, and of each answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from neuralake.catalog.tables import DeltaTable, Table
from neuralake.config import Settings
from neuralake.errors import ServingError
from neuralake.serving.answers import UnavailableError
from neuralake.serving.roapi.configuration import RoapiOptions, roapi_configuration
from neuralake.serving.roapi.refusals import Freshness, refusal
from neuralake.serving.roapi.watch import TableWatch


class Fitness:
    """What is known of the tables since ROAPI's last start.

    Parameters
    ----------
    tables
        By name, resolved.
    settings
        Of the environment.
    options
        How ROAPI serves them.
    """

    def __init__(
        self, tables: Mapping[str, Table], settings: Settings, options: RoapiOptions
    ) -> None:
        self._tables = dict(tables)
        self._settings = settings
        self._options = options
        self._lock = threading.Lock()
        self._watches: dict[str, TableWatch] = {}
        self._left_out: dict[str, str] = {}
        self._sound_start: int | None = None

    def configure(self) -> str:
        """ROAPI's configuration, of the tables that are fit now; the others are left out.

        One table that it cannot read would keep ROAPI from serving any.

        Raises
        ------
        ServingError
            If none is left.
        """
        freshness = self._options.freshness
        watches, left_out = {}, {}
        for name, table in self._tables.items():
            try:
                if isinstance(table, DeltaTable):
                    watches[name] = TableWatch(table, freshness, self._settings)
                    reason = watches[name].reason()
                else:
                    reason = refusal(table, freshness, self._settings)
            except (OSError, ValueError, ServingError) as error:
                reason = str(error)
            if reason is not None:
                left_out[name] = reason
        with self._lock:
            self._watches, self._left_out, self._sound_start = watches, left_out, None
        fit = {name: table for name, table in self._tables.items() if name not in left_out}
        return roapi_configuration(fit, self._settings, self._options)

    def check(self, names: Iterable[str], start: int) -> None:
        """Refuse an answer of tables that ROAPI may have read wrongly; to be asked after it.

        Parameters
        ----------
        names
            Tables that the answer is made of.
        start
            Number of ROAPI's start.

        Raises
        ------
        UnavailableError
            Naming the table, and what it has.
        """
        if self._options.freshness is Freshness.RELOAD:
            self._look_at(names)
        elif self._sound_start != start:  # what was committed while ROAPI was reading
            self._look_at(self._tables)
            self._sound_start = start
        self.refuse_left_out(names)

    def refuse_left_out(self, names: Iterable[str]) -> None:
        """Refuse tables of which it is known already; raises as :meth:`check`."""
        for name in names:
            if (reason := self._left_out.get(name)) is not None:
                raise UnavailableError(
                    f"table {name} is not served any more: {reason}; ROAPI would answer wrongly"
                )

    def _look_at(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                watch = self._watches.get(name)
                if watch is not None and (reason := watch.reason()) is not None:
                    self._left_out[name] = reason
