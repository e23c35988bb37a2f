"""What is told of a catalog, as plain data: the page shows it, and the JSON document is it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from neuralake.catalog.describe import AboutSummary

FORMAT_VERSION = 1


@dataclass(frozen=True)
class FieldFacts:
    """What is within a column: a field of a struct, the values of a list, keys of a map.

    Attributes
    ----------
    name
        Of the field; ``[]`` for values of a list, ``key`` and ``value`` for those of a map.
    type
        Arrow's, as text; of what holds others only the kind: ``struct``, ``list``, ``map``.
    nullable
        Whether a value may be missing.
    fields
        What is within it.
    """

    name: str
    type: str
    nullable: bool
    fields: tuple[FieldFacts, ...] = ()


@dataclass(frozen=True)
class ColumnFacts:
    """One column.

    Attributes
    ----------
    name, type, nullable, fields
        As of a :class:`FieldFacts`.
    description, is_primary_key, references, is_sensitive
        As declared.
    least, greatest
        Values as text, by the log or the footers, which may hold a text's beginning alone; None
        where they do not tell, and of a sensitive column.
    nulls
        Missing values; None where nothing tells.
    expression
        SQL of a computed column; None of a stored one.
    """

    name: str
    type: str
    nullable: bool
    description: str = ""
    is_primary_key: bool = False
    references: tuple[str, ...] = ()
    is_sensitive: bool = False
    fields: tuple[FieldFacts, ...] = ()
    least: str | None = None
    greatest: str | None = None
    nulls: int | None = None
    expression: str | None = None


@dataclass(frozen=True)
class CommitFacts:
    """One version of a Delta table.

    Attributes
    ----------
    version
        Its number.
    committed_at
        When it was made.
    operation, engine
        What its writer says.
    files_added, files_removed
        Numbers of files.
    """

    version: int
    committed_at: dt.datetime
    operation: str
    engine: str
    files_added: int
    files_removed: int


@dataclass(frozen=True)
class FreshnessFacts:
    """A promise, and what there was when the catalog was looked at.

    Attributes
    ----------
    promised_s, changed_at, age_s, outcome, detail
        As of a :class:`~neuralake.catalog.promises.Freshness`.
    """

    promised_s: float
    changed_at: dt.datetime | None
    age_s: float | None
    outcome: Literal["passed", "failed", "skipped"]
    detail: str


@dataclass(frozen=True)
class SampleFacts:
    """The first rows as they are read; of no order.

    Attributes
    ----------
    columns
        Those that are not sensitive.
    rows
        Values as text; None where one is missing.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class CostFacts:
    """What a query that reads the table took when it was last measured.

    Attributes
    ----------
    query, engine
        Which query on which engine.
    status
        ``ok``, or why there is no latency.
    latency_s
        Median of the hot runs, in seconds.
    runs
        Number of hot runs.
    run, measured_at
        The run that measured it.
    """

    query: str
    engine: str
    status: str
    latency_s: float | None
    runs: int
    run: str
    measured_at: str


@dataclass(frozen=True)
class Snippet:
    """How to read the table, to be copied.

    Attributes
    ----------
    name
        By what: ``Polars``, ``curl``.
    language
        ``python``, ``sql`` or ``shell``.
    text
        The code.
    """

    name: str
    language: Literal["python", "sql", "shell"]
    text: str


@dataclass(frozen=True)
class TableFacts:
    """One table, as it is declared and as it was found.

    Attributes
    ----------
    database, name, format, location, description, primary_key, about
        As declared.
    columns
        In their order.
    partition_columns, version
        Of a Delta table.
    rows, files, bytes
        As log, footers and listing tell; None where they do not, as of the newest rows alone.
    newest
        Of which rows only the newest is read, in words; None if all are.
    commits
        The newest ones, newest first.
    freshness
        None without a promise.
    sample
        None where it was not asked for, or is not to be had.
    costs
        One a query and engine.
    snippets
        How to read it.
    problems
        Why something of it cannot be told, in a line each; empty if all is well.
    is_readable
        Whether it can be read as it is declared.
    """

    database: str
    name: str
    format: str
    location: str | None
    description: str
    primary_key: tuple[str, ...]
    about: AboutSummary
    columns: tuple[ColumnFacts, ...] = ()
    partition_columns: tuple[str, ...] = ()
    version: int | None = None
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    newest: str | None = None
    commits: tuple[CommitFacts, ...] = ()
    freshness: FreshnessFacts | None = None
    sample: SampleFacts | None = None
    costs: tuple[CostFacts, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    problems: tuple[str, ...] = ()
    is_readable: bool = True

    @property
    def full_name(self) -> str:
        """``database.table``."""
        return f"{self.database}.{self.name}"


@dataclass(frozen=True)
class DatabaseFacts:
    """Tables under one name."""

    name: str
    description: str
    tables: tuple[TableFacts, ...]


@dataclass(frozen=True)
class CatalogFacts:
    """A whole catalog as it was at one time.

    Attributes
    ----------
    format_version
        Counts changes by which a reader would be misled; fields may be added without.
    title
        What it is called.
    source
        What declares it, as it was named.
    made_at
        When it was looked at, UTC.
    neuralake
        Version of Neuralake.
    databases
        In order.
    """

    format_version: int
    title: str
    source: str
    made_at: dt.datetime
    neuralake: str
    databases: tuple[DatabaseFacts, ...]

    @property
    def tables(self) -> tuple[TableFacts, ...]:
        """All of them."""
        return tuple(table for database in self.databases for table in database.tables)
