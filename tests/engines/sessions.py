"""Tables, and engines, that stay open for all that is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache

from neuralake.catalog.tables import Table
from neuralake.engines.protocol import Engine, Session

SessionOf = Callable[[str], Session]


class KeptOpen:
    """An engine that goes on when somebody has closed it: a process has room for one Spark."""

    def __init__(self, engine: Engine) -> None:
        self.open, self.versions = engine.open, engine.versions

    def close(self) -> None:
        """Leave it to whoever has started it."""


@contextmanager
def sessions_when_asked(engine: Engine, tables: Mapping[str, Table]) -> Iterator[SessionOf]:
    """The session of a table by its name: Spark takes seconds for each that it opens."""
    with ExitStack() as opened:

        @cache
        def session_of(name: str) -> Session:
            session = engine.open({name: tables[name]})
            opened.callback(session.close)
            return session

        yield session_of
