"""What is told of each table, found out; a table that cannot be read stops nobody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.columns import Column
from neuralake.catalog.declaration import references_of
from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.describe import summarise_about
from neuralake.catalog.function import FunctionTable
from neuralake.catalog.parquet import ParquetTable
from neuralake.catalog.promises import freshness, stored_part
from neuralake.catalog.tables import Table, apart
from neuralake.catalog.views import Latest, stored_columns
from neuralake.delta.history import Commit, commits_before
from neuralake.delta.place import open_store
from neuralake.errors import NeuralakeError
from neuralake.report.text import printable
from neuralake.site.facts import (
    FORMAT_VERSION,
    CatalogFacts,
    ColumnFacts,
    CommitFacts,
    CostFacts,
    DatabaseFacts,
    FreshnessFacts,
    SampleFacts,
    Snippet,
    TableFacts,
)
from neuralake.site.fields import fields_of, kind_of, value_text
from neuralake.site.statistics import Bounds, bounds_in_footers, bounds_in_log
from neuralake.storage import one_line
from neuralake.version import __version__

T = TypeVar("T")
_TABLES_AT_ONCE = 8
_COMMITS = 10


def gather(
    catalog: Catalog,
    *,
    title: str,
    source: str,
    now: dt.datetime,
    sample_rows: int = 0,
    costs: Mapping[str, Sequence[CostFacts]] | None = None,
    snippets: Callable[[Database, Table], tuple[Snippet, ...]] = lambda _database, _table: (),
) -> CatalogFacts:
    """Look at every table of a catalog.

    Parameters
    ----------
    catalog
        Resolved.
    title, source
        As of :class:`~neuralake.site.facts.CatalogFacts`.
    now
        With a time zone.
    sample_rows
        How many rows of each table to show; 0 for none. A function is not called for them.
    costs
        What queries cost, by the URI of a table that they read.
    snippets
        How a table is read.

    Returns
    -------
    CatalogFacts
        What cannot be told of a table is among its problems.
    """
    pairs = list(catalog.each_table())
    hidden = _sensitive(table for _, table in pairs)

    def look(pair: tuple[Database, Table]) -> TableFacts:
        database, table = pair
        found = _look(database, apart(table), now, sample_rows, hidden)
        uri = getattr(table, "uri", None)
        measured = (costs or {}).get(uri, ()) if isinstance(uri, str) else ()
        return replace(found, costs=tuple(measured), snippets=snippets(database, table))

    with ThreadPoolExecutor(_TABLES_AT_ONCE) as pool:
        found = iter(list(pool.map(look, pairs)))
    return CatalogFacts(
        FORMAT_VERSION,
        title,
        source,
        now,
        __version__,
        tuple(
            DatabaseFacts(d.name, d.description, tuple(islice(found, len(d.tables))))
            for d in catalog.databases
        ),
    )


class _Problems:
    """What went wrong with one table, each once."""

    def __init__(self, table: Table) -> None:
        self.lines: list[str] = []
        self._options = getattr(table, "storage_options", {})

    def attempt(self, call: Callable[[], T]) -> T | None:
        """What a call gives; None where it fails, of which a line is kept."""
        try:
            return call()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 (other people's tables, and a Rust panic)
            ours = isinstance(error, NeuralakeError)
            line = str(error) if ours else one_line(error, self._options)
            if line not in self.lines:
                self.lines.append(line)
            return None


def _sensitive(tables: Iterable[Table]) -> frozenset[tuple[str | None, str]]:
    """Columns that some declaration of a location marks: they are so under its other names too."""
    return frozenset(
        (_location(table), column.name)
        for table in tables
        if _location(table) is not None
        for column in table.columns
        if column.sensitive
    )


def _is_sensitive(column: Column, marked: frozenset[str]) -> bool:
    """Whether a column is marked, or computed from one (rather one too many)."""
    expression = (column.expression or "").casefold()
    return column.name in marked or any(name.casefold() in expression for name in marked)


def _look(
    database: Database,
    table: Table,
    now: dt.datetime,
    sample_rows: int,
    hidden: frozenset[tuple[str | None, str]],
) -> TableFacts:
    problems = _Problems(table)
    facts = TableFacts(
        database=database.name,
        name=table.name,
        format=table.format,
        location=_location(table),
        description=table.description,
        primary_key=tuple(table.primary_key),
        about=summarise_about(table),
    )
    found = problems.attempt(lambda: _found(table, facts))
    readable = found is not None
    facts, bounds = (facts, {}) if found is None else found
    columns: Iterable[Column] = table.columns
    if readable and not stored_columns(table.columns):
        declared = {column.name: column for column in table.columns}
        live = problems.attempt(table.arrow_schema) or pa.schema([])
        columns = [
            declared.get(f.name) or Column(f.name, f.type, nullable=f.nullable) for f in live
        ]
    marked = {name for place, name in hidden if place == facts.location}
    marked |= {column.name for column in table.columns if column.sensitive}
    columns = [
        replace(column, sensitive=_is_sensitive(column, frozenset(marked))) for column in columns
    ]
    facts = replace(facts, columns=_columns(table, columns, bounds), is_readable=readable)
    if readable:
        facts = replace(
            facts,
            commits=problems.attempt(lambda: _commits(table)) or (),
            freshness=problems.attempt(lambda: _freshness(table, now)),
            sample=problems.attempt(lambda: _sample(table, facts.columns, sample_rows)),
        )
    return replace(facts, problems=tuple(problems.lines))


def _found(table: Table, facts: TableFacts) -> tuple[TableFacts, dict[str, Bounds]]:
    """Facts and bounds; raises what the table raises if it cannot be read as it is declared."""
    base, newest = stored_part(table), getattr(table, "newest", None)
    facts = replace(facts, newest=None if newest is None else _newest(newest))
    if base is not table:
        table.check()
    if isinstance(base, DeltaTable):
        snapshot = base.read_snapshot()
        sizes = pa.table(snapshot.handle.get_add_actions()).column("size_bytes").to_pylist()
        facts = replace(
            facts,
            partition_columns=snapshot.partition_columns,
            version=snapshot.version,
            rows=snapshot.rows_in_log(),
            files=len(sizes),
            bytes=sum(sizes),
        )
        bounds = bounds_in_log(snapshot)
    elif isinstance(base, ParquetTable):
        checked = base.checked()
        infos = base.file_infos([file.uri for file in checked.found.files])
        facts = replace(
            facts,
            partition_columns=checked.found.names,
            rows=checked.rows,
            files=len(infos),
            bytes=sum(info.size or 0 for info in infos),
        )
        bounds = bounds_in_footers(checked.footers)
    else:
        if not table.columns or not isinstance(table, FunctionTable):
            table.arrow_schema()
        return facts, {}
    if newest is None:
        return facts, bounds
    return replace(facts, rows=None), {n: replace(b, nulls=None) for n, b in bounds.items()}


def _newest(newest: Latest) -> str:
    return f"of each {', '.join(newest.key)}, by {', '.join(newest.by)}"


def _columns(
    table: Table, columns: Iterable[Column], bounds: Mapping[str, Bounds]
) -> tuple[ColumnFacts, ...]:
    found = []
    for column in columns:
        known = bounds.get(column.name, Bounds())
        shown = not column.sensitive
        found.append(
            ColumnFacts(
                name=column.name,
                type=kind_of(column.type),
                nullable=column.nullable,
                description=column.description,
                is_primary_key=column.name in table.primary_key,
                references=references_of(table, column.name),
                is_sensitive=column.sensitive,
                fields=fields_of(column.type),
                least=value_text(known.least) if shown else None,
                greatest=value_text(known.greatest) if shown else None,
                nulls=known.nulls,
                expression=column.expression,
            )
        )
    return tuple(found)


def _commits(table: Table) -> tuple[CommitFacts, ...]:
    base = stored_part(table)
    if not isinstance(base, DeltaTable):
        return ()
    snapshot = base.read_snapshot()
    store = open_store(base.uri, base.storage_options)
    newest = commits_before(store, snapshot.configuration, snapshot.version)
    return tuple(map(_commit, islice(newest, _COMMITS)))


def _commit(commit: Commit) -> CommitFacts:
    return CommitFacts(
        version=commit.version,
        committed_at=dt.datetime.fromtimestamp(commit.committed_ms / 1000, dt.UTC),
        operation=commit.operation,
        engine=commit.engine,
        files_added=commit.files_added,
        files_removed=commit.files_removed,
    )


def _freshness(table: Table, now: dt.datetime) -> FreshnessFacts | None:
    found = freshness(table, now)
    return None if found is None else FreshnessFacts(**asdict(found))


def _sample(table: Table, columns: Sequence[ColumnFacts], sample_rows: int) -> SampleFacts | None:
    shown = tuple(column.name for column in columns if not column.is_sensitive)
    if sample_rows == 0 or not shown or isinstance(table, FunctionTable):
        return None
    rows: list[dict[str, Any]] = (
        table.lazy(columns=shown).head(sample_rows).collect().to_arrow().to_pylist()
    )
    return SampleFacts(shown, tuple(tuple(value_text(row[name]) for name in shown) for row in rows))


def _location(table: Table) -> str | None:
    uri = getattr(table, "uri", None)
    return printable(uri) if isinstance(uri, str) else None
