"""A table of any database that has an ADBC driver, read as Arrow.

What a condition or a choice of columns can say in the database's own SQL is said there, with quoted
names and bound values; the rest is done here. Nothing is kept: each reading is a connection and a
query of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from neuralake.catalog.about import NOTHING, About, warn_who_asks
from neuralake.catalog.adbc_address import expanded, shown, told
from neuralake.catalog.adbc_sql import Dialect, Statement, statement
from neuralake.catalog.adbc_types import (
    SourceColumn,
    conform,
    other_columns,
    postgresql_columns,
    sqlite_columns,
)
from neuralake.catalog.columns import Column, check_schema
from neuralake.catalog.columns import arrow_schema as declared_schema
from neuralake.catalog.declaration import ForeignKey, check_declaration
from neuralake.catalog.filters import Condition
from neuralake.catalog.html import table_html
from neuralake.catalog.predicates import apply, bound, conjuncts
from neuralake.config import Settings
from neuralake.errors import CatalogError, NeuralakeError, SchemaMismatchError
from neuralake.identifiers import quoted

if TYPE_CHECKING:
    import polars as pl
    from adbc_driver_manager.dbapi import Connection, Cursor

_DIALECTS: Mapping[str, Dialect] = {"PostgreSQL": "postgresql", "SQLite": "sqlite"}


@dataclass(frozen=True)
class Pushdown:
    """What a database is asked, and what is left to Neuralake.

    Attributes
    ----------
    sql
        The query, with placeholders for values.
    values
        How many values are bound to them.
    here
        Filters that the database might answer otherwise, and is not asked.
    """

    sql: str
    values: int
    here: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True)
class AdbcTable:
    """A table, or view, of a database.

    Attributes
    ----------
    name
        Name in SQL.
    driver
        ``postgresql`` or ``sqlite`` or whatever follows ``adbc_driver_`` in the name of a Python
        package that brings a driver; or a driver's own name or path, as its manager finds it.
    database
        What the driver calls ``uri``: ``postgresql://user@host/shop``, or a path for SQLite; a
        relative path lies under the storage root. ``${NAME}`` is that variable of the environment,
        put in when a connection is made. Never shown but for host and path.
    table
        Name of the table or view in the database; ``name`` if empty.
    schema
        Schema of the database that it is in; the database's own search path if empty.
    options
        Of the driver, beside ``uri``; ``${NAME}`` as above. Never shown.
    columns, description, primary_key, foreign_keys, about
        As of a :class:`~neuralake.catalog.delta.DeltaTable`; declared columns are enforced on what
        the database returns.
    """

    name: str
    driver: str
    database: str = field(repr=False)
    table: str = ""
    schema: str = ""
    columns: tuple[Column, ...] = ()
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    about: About = NOTHING
    options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    format: ClassVar[str] = "adbc"

    def __post_init__(self) -> None:
        check_declaration(self.name, self.columns, self.primary_key, self.foreign_keys, self.about)
        computed = next((c.name for c in self.columns if c.expression is not None), None)
        if computed is not None:
            raise CatalogError(
                f"table {self.name}: column {computed} is computed, which no table of a database "
                f"has here: compute it in a view of the database"
            )
        for what in ("driver", "database", "table", "schema"):
            text = getattr(self, what)
            if not isinstance(text, str) or "\0" in text or (not text and what[0] == "d"):
                kind = "a text" if not isinstance(text, str) else "a text without NUL, not empty"
                raise CatalogError(f"table {self.name}: {what} is no such thing: expected {kind}")

    def _repr_html_(self) -> str:
        return table_html(self)

    @property
    def uri(self) -> str:
        """Where the table lies, without what reaches it."""
        return f"{shown(self.database)}#{self.place}"

    @property
    def place(self) -> str:
        """Schema and table in the database."""
        return ".".join(part for part in (self.schema, self.table or self.name) if part)

    def resolve(self, settings: Settings) -> AdbcTable:
        """The same table; a relative path of SQLite lies under the storage root."""
        is_path = self.driver == "sqlite" and not self.database.startswith(("file:", ":", "${"))
        return replace(self, database=settings.uri(self.database)) if is_path else self

    def arrow(self) -> pa.Table:
        """All rows, as declared.

        Raises
        ------
        CatalogError
            If the database cannot be reached or read, or a type or value has no exact counterpart.
        SchemaMismatchError
            If it differs from the declaration, a null where none may be included.
        """
        with self._open() as (cursor, dialect):
            columns = self._columns(cursor, dialect)
            batches = list(self._batches(cursor, self._query(columns), Statement(), columns))
        return pa.Table.from_batches(batches, self._schema_of(columns))

    def arrow_schema(self) -> pa.Schema:
        """Columns of the database, in the order of the declaration if there is one."""
        with self._open() as (cursor, dialect):
            return self._schema_of(self._columns(cursor, dialect))

    def rows(self) -> int:
        """Number of rows, as the database counts them now."""
        with self._open() as (cursor, _):
            cursor.execute(f"SELECT COUNT(*) FROM {self._target}")  # noqa: S608 (a quoted name)
            return int(cursor.fetch_arrow_table().column(0)[0].as_py())

    def check(self) -> None:
        """Raise ``SchemaMismatchError`` if the columns, or a null, differ from the declaration."""
        with self._open() as (cursor, dialect):
            self._columns(cursor, dialect)
            for column in (c for c in self.columns if not c.nullable):
                where = f"{quoted(column.name)} IS NULL"
                cursor.execute(f"SELECT 1 FROM {self._target} WHERE {where} LIMIT 1")  # noqa: S608
                if cursor.fetch_arrow_table().num_rows:
                    raise self._null(column.name)

    def pushdown(self, filters: Sequence[Condition] = (), columns: Sequence[str] = ()) -> Pushdown:
        """What :meth:`lazy` asks of the database; the table is looked at, but not read."""
        with self._open() as (cursor, dialect):
            source = self._columns(cursor, dialect)
        asked = self._asked(filters, columns, source, dialect)
        wanted = [c for c in source if not columns or c.name in columns]
        return Pushdown(self._query(wanted, asked.where), len(asked.parameters), tuple(asked.here))

    def lazy(self, filters: Sequence[Condition] = (), columns: Sequence[str] = ()) -> pl.LazyFrame:
        """Rows as a LazyFrame, read anew whenever it is collected.

        Filters, and the columns that the whole query needs, are said in the database's SQL where it
        answers as Neuralake does; :meth:`pushdown` tells which. All filters are held against the
        rows again. What is added to the LazyFrame later is filtered here.
        """
        from polars.io.plugins import register_io_source

        from neuralake.catalog.scan import frames_of, polars_schema

        warn_who_asks(self)
        with self._open() as (cursor, dialect):
            source = self._columns(cursor, dialect)
        asked = self._asked(filters, columns, source, dialect)
        by_name = {column.name: column for column in source}

        def read(
            with_columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            batch_size: int | None,  # noqa: ARG001 - the plugin's signature
        ) -> Iterator[pl.DataFrame]:
            names = list(by_name) if with_columns is None else with_columns
            wanted = [by_name[name] for name in names] or source[:1]  # rows without columns
            limit = n_rows if predicate is None and not asked.here else None
            with self._open() as (cursor, _):
                query = self._query(wanted, asked.where, limit)
                batches = self._batches(cursor, query, asked, wanted)
                yield from frames_of(batches, predicate, n_rows)

        frame = register_io_source(read, schema=polars_schema(self._schema_of(source)))
        return apply(frame, self.name, filters, columns)

    @property
    def _target(self) -> str:
        parts = (self.schema, self.table or self.name)
        return ".".join(quoted(part) for part in parts if part)

    def _asked(
        self,
        filters: Sequence[Condition],
        columns: Sequence[str],
        source: Sequence[SourceColumn],
        dialect: Dialect,
    ) -> Statement:
        from neuralake.catalog.scan import polars_schema

        schema = polars_schema(self._schema_of(source))
        conditions = conjuncts(bound(self.name, filters, columns, schema))
        by_name = {column.name: column for column in source}
        return statement(self.name, conditions, by_name, schema, dialect)

    def _query(
        self, columns: Sequence[SourceColumn], where: Sequence[str] = (), limit: int | None = None
    ) -> str:
        parts = [f"SELECT {', '.join(c.select for c in columns)}", f"FROM {self._target}"]
        parts += [f"WHERE {' AND '.join(f'({text})' for text in where)}"] if where else []
        parts += [f"LIMIT {limit}"] if limit is not None else []
        return " ".join(parts)

    def _columns(self, cursor: Cursor, dialect: Dialect) -> list[SourceColumn]:
        """Columns of the database, held against the declaration, in its order."""
        if dialect == "sqlite":
            pragma = "SELECT name, type FROM pragma_table_xinfo(?1) WHERE hidden <> 1"
            schema = [pa.array([self.table or self.name])]
            if self.schema:
                pragma = pragma.replace("(?1)", "(?1, ?2)")
                schema.append(pa.array([self.schema]))
            cursor.execute(pragma, _record(schema))
            live = cursor.fetch_arrow_table().to_pylist()
            if not live:
                raise CatalogError(f"table {self.name}: {self.uri}: there is no such table")
            found = sqlite_columns(self.name, live, self.columns)
        else:
            everything = f"SELECT * FROM {self._target} WHERE 1 = 0"  # noqa: S608 (quoted names)
            if dialect == "postgresql":
                schema = cursor.adbc_execute_schema(everything)
                found = postgresql_columns(self.name, schema, self.columns)
            else:
                cursor.execute(everything)
                found = other_columns(self.name, cursor.fetch_arrow_table().schema)
        check_schema(
            self.name,
            [replace(column, nullable=True) for column in self.columns],
            pa.schema([pa.field(c.name, c.type) for c in found]),
        )
        if not self.columns:
            return found
        by_name = {column.name: column for column in found}
        return [by_name[column.name] for column in self.columns]

    def _schema_of(self, columns: Sequence[SourceColumn]) -> pa.Schema:
        required = {f.name for f in declared_schema(self.columns) if not f.nullable}
        return pa.schema([pa.field(c.name, c.type, c.name not in required) for c in columns])

    def _batches(
        self, cursor: Cursor, query: str, asked: Statement, columns: Sequence[SourceColumn]
    ) -> Iterator[pa.RecordBatch]:
        """The answer in the table's types."""
        parameters = _record(asked.parameters) if asked.parameters else None
        cursor.execute(query, parameters)
        schema = self._schema_of(columns)
        for batch in cursor.fetch_record_batch():
            arrays = [
                conform(self.name, column, values)
                for column, values in zip(columns, batch.columns, strict=True)
            ]
            for column, values in zip(schema, arrays, strict=True):
                if not column.nullable and values.null_count:
                    raise self._null(column.name)
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _null(self, column: str) -> SchemaMismatchError:
        return SchemaMismatchError(
            f"column {self.name}.{column} has a null, and is declared as not null"
        )

    @contextmanager
    def _open(self) -> Iterator[tuple[Cursor, Dialect]]:
        """A connection, whose errors are one line each and tell nothing of what reaches it."""
        database = expanded(self.name, self.database)
        options = {key: expanded(self.name, value) for key, value in self.options.items()}
        connect = self._connect()
        try:
            with connect(database, options) as connection, connection.cursor() as cursor:
                vendor = connection.adbc_get_info().get("vendor_name")
                yield cursor, _DIALECTS.get(str(vendor), "other")
        except NeuralakeError:
            raise
        except Exception as error:  # noqa: BLE001 (a driver may raise anything)
            reason = told(error, database, options)
            raise CatalogError(f"table {self.name}: {self.uri}: {reason}") from None

    def _connect(self) -> Callable[[str, Mapping[str, str]], Connection]:
        try:
            from adbc_driver_manager import dbapi
        except ImportError as error:
            raise CatalogError(
                f"table {self.name}: ADBC is not installed: pip install 'neuralake-bench[adbc]'"
            ) from error
        driver = self.driver
        if driver.isidentifier():
            package = f"adbc_driver_{driver}"
            try:
                driver = import_module(package)._driver_path()
            except ModuleNotFoundError as error:
                if driver in ("postgresql", "sqlite"):
                    raise CatalogError(
                        f"table {self.name}: the driver {driver} is not installed: pip install "
                        f"'neuralake-bench[adbc]'"
                    ) from error
        return partial(_connected, dbapi.connect, driver)


def _connected(
    connect: Callable[..., Connection], driver: str, database: str, options: Mapping[str, str]
) -> Connection:
    return connect(driver=driver, db_kwargs={"uri": database, **options}, autocommit=True)


def _record(arrays: Sequence[pa.Array]) -> pa.RecordBatch:
    """Values for the placeholders of a query."""
    return pa.RecordBatch.from_arrays(list(arrays), [str(i) for i in range(1, len(arrays) + 1)])
