"""Tables that are opened when they are first asked for, and stay open for all questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache

from neuralake.catalog.tables import Table
from neuralake.engines.protocol import Engine, Session

SessionOf = Callable[[str], Session]


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
