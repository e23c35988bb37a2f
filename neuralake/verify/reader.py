"""One engine in a process of its own, which reads tables and says what their rows come to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from neuralake.catalog.tables import Table
from neuralake.engines import registry
from neuralake.engines.protocol import Engine
from neuralake.engines.registry import EngineSpec
from neuralake.errors import NeuralakeError
from neuralake.identifiers import quoted
from neuralake.queries.content import Content, content_of
from neuralake.storage import one_line
from neuralake.verify.check import CheckFailedError


class Reader:
    """Its methods are called over a worker's pipe, and raise with one line that says all."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def start(self, spec: EngineSpec, tables: Mapping[str, Table]) -> str:
        """Start an engine that can reach tables, and return its versions."""
        options = _options(tables)
        try:
            registry.require(spec)
            spec = registry.reaching(spec, tables)
            registry.prepare(spec)
            self._engine = registry.start(spec)
            versions = self._engine.versions()
        except NeuralakeError:
            raise
        except BaseException as error:
            raise CheckFailedError(f"it cannot start: {one_line(error, options)}") from error
        return ", ".join(f"{name} {version}" for name, version in versions.items())

    def read(self, name: str, table: Table, sample: int | None) -> Content:
        """Rows of a table.

        Parameters
        ----------
        name
            By which SQL calls it.
        table
            To be opened.
        sample
            How many of its first rows by the primary key, and of its last, are to be read where it
            has more than both; all if None. Without a key they are only counted.
        """
        if self._engine is None:
            raise CheckFailedError("it was not started")
        try:
            session = self._engine.open({name: table})
            try:
                return _content(session, name, table, sample)
            finally:
                with suppress(Exception):  # what it read is what counts
                    session.close()
        except NeuralakeError:
            raise
        except BaseException as error:
            raise CheckFailedError(one_line(error, _options({name: table}))) from error

    def close(self) -> None:
        """End the engine."""
        if self._engine is not None:
            self._engine.close()


def _content(session: Any, name: str, table: Table, sample: int | None) -> Content:
    source = quoted(name)
    counted = session.execute(f"SELECT COUNT(*) AS n FROM {source}")  # noqa: S608 - a checked name
    rows = int(counted.column(0)[0].as_py())
    if sample is None or rows <= 2 * sample:
        whole = content_of([session.execute(f"SELECT * FROM {source}")])  # noqa: S608
        if whole.rows != rows:
            raise CheckFailedError(f"it counts {rows:,} rows, and reads {whole.rows:,}")
        return whole
    if not table.primary_key:
        return Content(rows, "")
    keys = [quoted(column) for column in table.primary_key]
    orders = (", ".join(f"{key} {way}" for key in keys) for way in ("ASC", "DESC"))
    ends = [
        session.execute(f"SELECT * FROM {source} ORDER BY {order} LIMIT {sample}")  # noqa: S608
        for order in orders
    ]
    part = content_of(ends)
    return Content(rows, part.checksum, part.columns)


def _options(tables: Mapping[str, Table]) -> dict[str, str]:
    found = (getattr(table, "storage_options", {}) for table in tables.values())
    return {key: value for options in found for key, value in options.items()}
