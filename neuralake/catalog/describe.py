"""What the command line says about a catalog, as plain data for text and JSON alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from neuralake.catalog.about import about_of, condition
from neuralake.catalog.adbc import AdbcTable
from neuralake.catalog.catalog import Catalog
from neuralake.catalog.columns import Column
from neuralake.catalog.declaration import references_of
from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.parquet import ParquetTable
from neuralake.catalog.tables import Table
from neuralake.catalog.views import Latest, is_view, stored_columns, view_of
from neuralake.errors import NeuralakeError
from neuralake.quantities import duration_text


@dataclass(frozen=True)
class ColumnSummary:
    """One column: of the declaration, or of the table itself where nothing is declared.

    Attributes
    ----------
    name, type, nullable, description
        As of a :class:`Column`; the type is Arrow's, as text.
    is_primary_key
        Whether it belongs to the primary key.
    is_sensitive
        Whether its values are nothing to show.
    references
        ``table.column`` of every foreign key it belongs to.
    expression
        By which it is computed; None of a stored one.
    """

    name: str
    type: str
    nullable: bool
    description: str
    is_primary_key: bool
    references: tuple[str, ...]
    expression: str | None = None
    is_sensitive: bool = False


@dataclass(frozen=True)
class AboutSummary:
    """Documentation of a table, as plain texts and numbers.

    Attributes
    ----------
    owner, source, notebook
        As of an :class:`~neuralake.catalog.about.About`; empty where nothing is said.
    freshness_s
        Longest time between two changes that is promised, in seconds.
    example_filters
        Conditions as SQL writes them.
    deprecated, successor
        Why the table is not to be used any more, and what to use instead.
    """

    owner: str = ""
    source: str = ""
    notebook: str = ""
    freshness_s: float | None = None
    example_filters: tuple[str, ...] = ()
    deprecated: str | None = None
    successor: str | None = None


@dataclass(frozen=True)
class TableSummary:
    """One table as it is declared; nothing is read for it.

    Attributes
    ----------
    database, name, format, description
        As declared.
    location
        URI or path; None for a function.
    columns
        Number of declared columns; 0 where the schema is open.
    owner, deprecated
        As of an :class:`AboutSummary`.
    version, at
        Of a Delta table: the version, or the moment in ISO 8601, that it is declared to be read at.
    view
        Whether columns are computed or may be missing, or only the newest rows are read.
    """

    database: str
    name: str
    format: str
    location: str | None
    columns: int
    description: str
    owner: str = ""
    deprecated: str | None = None
    version: int | None = None
    at: str | None = None
    view: bool = False


@dataclass(frozen=True)
class TableDetails:
    """One table as it is declared, and as it is found.

    Attributes
    ----------
    database, name, format, location, description
        As of a :class:`TableSummary`.
    columns
        The columns in their order.
    primary_key
        Names of the columns that identify a row.
    partition_columns
        Of a Delta table, or of Hive partitions.
    names_in_paths
        Whether directories of Hive partitions have the columns' names beside their values.
    version
        Version of a Delta table that is read.
    newest_version
        Its newest one.
    at
        The moment, in ISO 8601, that it is declared to be read at.
    missing_columns
        What is done about declared columns that it lacks: ``refuse`` or ``null``.
    latest
        Of each key only the newest row is read: by which columns, and of which key.
    rows
        Number of rows where the files or the log say it.
    files
        Number of data files.
    about
        What its declaration says beside that.
    problem
        Why the table cannot be used, in a line; None if it can.
    """

    database: str
    name: str
    format: str
    location: str | None
    description: str
    columns: tuple[ColumnSummary, ...] = ()
    primary_key: tuple[str, ...] = ()
    partition_columns: tuple[str, ...] = ()
    names_in_paths: bool = True
    version: int | None = None
    newest_version: int | None = None
    at: str | None = None
    missing_columns: str = "refuse"
    latest: Latest | None = None
    rows: int | None = None
    files: int | None = None
    about: AboutSummary = AboutSummary()
    problem: str | None = field(default=None)


def list_tables(catalog: Catalog) -> list[TableSummary]:
    """Every table of a catalog, as declared."""
    return [
        TableSummary(
            database=database.name,
            name=table.name,
            format=table.format,
            location=_location(table),
            columns=len(table.columns),
            description=table.description,
            owner=about_of(table).owner,
            deprecated=summarise_about(table).deprecated,
            version=getattr(table, "version", None),
            at=_moment(table),
            view=is_view(table),
        )
        for database, table in catalog.each_table()
    ]


def describe_table(catalog: Catalog, name: str) -> TableDetails:
    """One table, as declared and as found.

    A table that cannot be read is described as declared, with the reason as ``problem``. The
    function of a function table is called only where the declaration has no columns.

    Raises
    ------
    CatalogError
        If the catalog has no such table, or more than one.
    """
    database, table = catalog.placed(name)
    details = TableDetails(
        database=database.name,
        name=table.name,
        format=table.format,
        location=_location(table),
        description=table.description,
        columns=_columns(table, table.columns),
        primary_key=table.primary_key,
        about=summarise_about(table),
        version=getattr(table, "version", None),
        at=_moment(table),
        missing_columns=getattr(table, "missing_columns", "refuse"),
        names_in_paths=getattr(table, "names_in_paths", True),
        latest=getattr(table, "newest", None),
    )
    try:
        return _found(table, details)
    except NeuralakeError as error:
        return replace(details, problem=str(error))


def summarise_about(table: Table) -> AboutSummary:
    """What a table says of itself, as plain texts and numbers."""
    about = about_of(table)
    return AboutSummary(
        owner=about.owner,
        source=about.source,
        notebook=about.notebook,
        freshness_s=None if about.freshness is None else about.freshness.total_seconds(),
        example_filters=tuple(map(condition, about.example_filters)),
        deprecated=None if about.deprecated is None else about.deprecated.reason,
        successor=None if about.deprecated is None else about.deprecated.successor,
    )


def facts(details: TableDetails) -> list[tuple[str, str]]:
    """What is known of a table beside its columns, as labels and texts."""
    about = details.about
    promised = about.freshness_s
    known = {
        "table": f"{details.database}.{details.name}",
        "description": details.description,
        "deprecated": about.deprecated,
        "successor": about.successor,
        "owner": about.owner,
        "source": about.source,
        "promised freshness": None if promised is None else duration_text(promised),
        "notebook": about.notebook,
        "example filters": "; ".join(about.example_filters),
        "format": details.format,
        "location": details.location,
        "version": _version(details),
        "read as of": details.at,
        "newest row": _latest(details.latest),
        "missing columns": "null" if details.missing_columns == "null" else None,
        "rows": None if details.rows is None else f"{details.rows:,}",
        "files": details.files,
        "primary key": ", ".join(details.primary_key),
        "partitioned by": ", ".join(details.partition_columns),
        "partitions": None if details.names_in_paths else "values alone, without names",
        "problem": details.problem,
    }
    return [(label, str(value)) for label, value in known.items() if value not in (None, "")]


def _version(details: TableDetails) -> str | None:
    """The version that is read, and the newest one where that is another."""
    if details.version is None or details.newest_version in (None, details.version):
        return None if details.version is None else str(details.version)
    return f"{details.version}, where {details.newest_version} is the newest"


def _latest(latest: Latest | None) -> str | None:
    if latest is None:
        return None
    ties = "" if latest.ties == "ordered" else ", ties in any order"
    return f"of each {', '.join(latest.key)}, by {', '.join(latest.by)}{ties}"


def _moment(table: Table) -> str | None:
    at = getattr(table, "at", None)
    return at.isoformat() if isinstance(at, datetime) else None


def _found(table: Table, details: TableDetails) -> TableDetails:
    if isinstance(table, DeltaTable):
        snapshot = table.read_snapshot()
        details = replace(
            details,
            partition_columns=snapshot.partition_columns,
            version=snapshot.version,
            newest_version=table.newest_version(),
            rows=snapshot.rows_in_log(),
            files=len(snapshot.handle.file_uris()),
        )
    elif isinstance(table, ParquetTable):
        view = view_of(table)
        if view is not None:
            view.check()
        checked = (table if view is None else view.base).checked()
        details = replace(
            details,
            rows=checked.rows if table.newest is None else table.rows(),
            files=len(checked.footers),
            partition_columns=checked.found.names,
        )
    elif isinstance(table, AdbcTable):
        table.check()
        details = replace(details, rows=table.rows())
    if stored_columns(table.columns):
        return details
    declared = {column.name: column for column in table.columns}
    live = [
        declared.get(f.name) or Column(f.name, f.type, nullable=f.nullable)
        for f in table.arrow_schema()
    ]
    return replace(details, columns=_columns(table, live))


def _columns(table: Table, columns: tuple[Column, ...] | list[Column]) -> tuple[ColumnSummary, ...]:
    return tuple(
        ColumnSummary(
            name=column.name,
            type=str(column.type),
            nullable=column.nullable,
            description=column.description,
            is_primary_key=column.name in table.primary_key,
            is_sensitive=column.sensitive,
            references=references_of(table, column.name),
            expression=column.expression,
        )
        for column in columns
    )


def _location(table: Table) -> str | None:
    return getattr(table, "uri", None)
