"""A catalog that is opened to be asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, overload

import pyarrow as pa

from neuralake.api.answer import Answer
from neuralake.api.display import Frame, as_frame, as_text
from neuralake.api.options import PathLike, arguments, engine_spec, place
from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.describe import list_tables
from neuralake.catalog.html import catalog_html
from neuralake.catalog.load import load_catalog
from neuralake.catalog.tables import Table
from neuralake.config import Settings, absolute_uri
from neuralake.errors import CatalogError, QueryError
from neuralake.queries.tables import tables_for
from neuralake.report.listings import print_tables
from neuralake.tpch.dataset import dataset_catalog, dataset_uri
from neuralake.workloads.query import at_versions, explain_query, run_query

if TYPE_CHECKING:
    import polars as pl


T = TypeVar("T")
Moment = datetime | str
CatalogSource = Union[PathLike, "OpenCatalog", Catalog, Database, Table, Iterable[Table]]


@dataclass(frozen=True, repr=False)
class OpenCatalog:
    """Tables that can be asked, on any engine.

    Attributes
    ----------
    catalog
        What is declared, every location absolute.
    source
        The file or module that declares them; None if that was this program.
    """

    catalog: Catalog
    source: str | None = None

    def __post_init__(self) -> None:
        # As of a database's tables: attributes of the object, which complete without running code
        taken = {*dir(type(self)), *vars(self)}
        found = [d for d in self.catalog.databases if d.name not in taken]
        vars(self).update({database.name: self.catalog.bound(database) for database in found})

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Database:
            """A database, unless its name is one of a method or field."""

    def __getitem__(self, name: str) -> Database:
        """A database, whatever its name is; raises ``CatalogError`` if there is none."""
        return self.catalog[name]

    def _ipython_key_completions_(self) -> list[str]:
        return [database.name for database in self.catalog.databases]

    @arguments(CatalogError, name="text")
    def table(self, name: str) -> Table:
        """One table, ``orders`` or ``shop.orders``.

        Raises
        ------
        CatalogError
            If there is none, or more than one.

        Warns
        -----
        DeprecatedTableWarning
            If it is not to be used any more.
        """
        found = self.catalog.table(name)
        warn_of_deprecated([found])
        return found

    def tables(self) -> dict[str, Table]:
        """All tables by their bare names, as SQL uses them.

        Raises
        ------
        CatalogError
            If a name stands in two databases.
        """
        return self.catalog.tables()

    def check(self) -> None:
        """Check every table against its declaration, and that foreign keys lead somewhere.

        Raises
        ------
        CatalogError
            For the first table that cannot be read, or a key to what is not there.
        SchemaMismatchError
            For the first column that differs.
        """
        self.catalog.check()

    @overload
    def sql(
        self,
        text: str,
        engine: str = ...,
        *,
        options: Mapping[str, Any] | None = ...,
        frame: Literal["arrow"] = ...,
        version: int | Mapping[str, int] | None = ...,
        at: Moment | Mapping[str, Moment] | None = ...,
        database: str | None = ...,
    ) -> pa.Table: ...

    @overload
    def sql(
        self,
        text: str,
        engine: str = ...,
        *,
        options: Mapping[str, Any] | None = ...,
        frame: Literal["polars"],
        version: int | Mapping[str, int] | None = ...,
        at: Moment | Mapping[str, Moment] | None = ...,
        database: str | None = ...,
    ) -> pl.DataFrame: ...

    @arguments(QueryError, text="text", engine="text", options="options", database="text")
    def sql(
        self,
        text: str,
        engine: str = "polars",
        *,
        options: Mapping[str, Any] | None = None,
        frame: Frame = "arrow",
        version: int | Mapping[str, int] | None = None,
        at: Moment | Mapping[str, Moment] | None = None,
        database: str | None = None,
    ) -> pa.Table | pl.DataFrame:
        """Run a query, and return all its rows. It is not measured: :func:`neuralake.bench` is.

        The engine is started for it, in this process, and closed after it.

        Parameters
        ----------
        text
            SQL over the tables' bare names.
        engine
            That runs it.
        options
            Of the engine, such as ``{"target_partitions": 4}``.
        frame
            ``arrow`` for a :class:`pyarrow.Table`, ``polars`` for a :class:`polars.DataFrame`.
        version
            Of the one Delta table that the query reads, or by the names of tables.
        at
            A moment, as a ``datetime`` with a time zone or its text: of each Delta table that the
            query reads the newest version that was committed by then; or moments by the names of
            tables.
        database
            Whose tables the text means; all of the catalog's if None, but those of a name that
            stands in two.

        Raises
        ------
        QueryError
            If the engine refuses the text, in its own words; or a version is wanted of what has
            none.
        EngineError
            If there is no such engine or option, or the engine cannot run here.
        CatalogError
            If a table cannot be read, differs from its declaration, or has a name that stands in
            two databases.

        Warns
        -----
        DeprecatedTableWarning
            For each table that the text reads and that is not to be used any more.
        """
        tables = tables_for(self.catalog, [text], database)
        tables = at_versions(text, tables, _by_table(version), _by_table(at))
        return as_frame(run_query(text, engine_spec(engine, options), tables), frame)

    def ask(
        self,
        text: str,
        engine: str = "polars",
        *,
        options: Mapping[str, Any] | None = None,
        version: int | Mapping[str, int] | None = None,
        at: Moment | Mapping[str, Moment] | None = None,
        database: str | None = None,
    ) -> Answer:
        """Run a query, and return an answer that shows itself as a table; as :meth:`sql` else."""
        found = self.sql(text, engine, options=options, version=version, at=at, database=database)
        return Answer(found)

    @arguments(QueryError, text="text", engine="text", options="options", database="text")
    def explain(
        self,
        text: str,
        engine: str = "polars",
        *,
        options: Mapping[str, Any] | None = None,
        database: str | None = None,
    ) -> str:
        """The engine's plan for a query, which is not run; raises and warns as :meth:`sql` does."""
        tables = tables_for(self.catalog, [text], database)
        return explain_query(text, engine_spec(engine, options), tables)

    def roapi_configuration(
        self,
        *,
        tables: Sequence[str] = (),
        freshness: Literal["memory", "files", "reload"] = "memory",
        reload_s: int = 1,
        listen: str = "127.0.0.1:8080",
    ) -> str:
        """ROAPI's configuration of the tables, as YAML; no credential is in it.

        Parameters
        ----------
        tables
            Those to serve; all if empty.
        freshness
            ``memory`` and ``files`` serve the tables as they are when ROAPI starts, the former with
            all rows in memory; ``reload`` looks for commits.
        reload_s
            How often it does, in whole seconds.
        listen
            ``host:port`` of ROAPI's HTTP, which asks nobody for a token.

        Raises
        ------
        ServingError
            Naming each table that ROAPI cannot serve, or answers wrongly of, and why.
        CatalogError
            If there is no such table.
        """
        from neuralake.serving.roapi.configuration import (
            RoapiOptions,
            chosen_tables,
            roapi_configuration,
        )
        from neuralake.serving.roapi.refusals import Freshness

        return roapi_configuration(
            chosen_tables(self.catalog, tables),
            Settings.from_environ(os.environ),
            RoapiOptions(Freshness(freshness), reload_s, listen),
        )

    def __repr__(self) -> str:
        return as_text(lambda console: print_tables(list_tables(self.catalog), console))

    def _repr_html_(self) -> str:
        return catalog_html(self.catalog.databases)


@arguments(CatalogError, scale_factor="number", dataset="path")
def open_catalog(
    source: CatalogSource | None = None,
    *,
    scale_factor: float | None = None,
    dataset: str | os.PathLike[str] | None = None,
) -> OpenCatalog:
    """Open tables to ask them; nothing is read before one is used.

    Parameters
    ----------
    source
        A Python file or the name of a module that declares tables, a catalog, or tables.
    scale_factor
        TPC-H's tables of this size, in place of ``source``; the dataset has to be there.
    dataset
        TPC-H's tables at this place, in place of ``source``.

    Raises
    ------
    CatalogError
        If there is no such file or module, its code fails, or it holds no table.
    ConfigError
        If the environment or a location is impossible.
    DatasetError
        If no dataset can have the scale factor.

    Examples
    --------
    >>> catalog = open_catalog("shop/catalog.py")
    >>> catalog.sql("SELECT COUNT(*) AS orders FROM orders", engine="datafusion")
    """
    settings = Settings.from_environ(os.environ)
    if source is not None and scale_factor is None and dataset is None:
        return OpenCatalog(catalog_of(source, settings), source_of(source))
    if source is None and scale_factor is not None and dataset is None:
        return OpenCatalog(dataset_catalog(dataset_uri(settings, scale_factor), settings))
    if source is None and scale_factor is None and dataset is not None:
        return OpenCatalog(dataset_catalog(absolute_uri(os.fspath(dataset)), settings))
    raise CatalogError(
        "open_catalog takes one of these: a file, a module or tables; scale_factor; dataset"
    )


def catalog_of(source: CatalogSource, settings: Settings) -> Catalog:
    """The catalog that a caller names or holds, resolved; raises what :func:`open_catalog` does."""
    if isinstance(source, OpenCatalog):
        return source.catalog
    if isinstance(source, str | os.PathLike):
        return load_catalog(place(source), settings)
    if isinstance(source, Catalog):
        return source.resolve(settings)
    if isinstance(source, Database):
        return Catalog((source,)).resolve(settings)
    if isinstance(source, bytes | Mapping):
        raise CatalogError(f"the catalog is {source!r:.60}: expected a path as a text, or tables")
    tables = tuple(source) if isinstance(source, Iterable) else (source,)
    for table in tables:
        if not isinstance(table, Table):
            raise CatalogError(
                f"{table!r} is no table: expected a DeltaTable, a ParquetTable, an AdbcTable or "
                "a function with @table"
            )
    return Catalog((Database("tables", tables),)).resolve(settings)


def _by_table(wanted: T | Mapping[str, T] | None) -> dict[str | None, T]:
    """What is wanted by the table's name; under None what is wanted of no table by name."""
    if isinstance(wanted, Mapping):
        return {**wanted}
    return {} if wanted is None else {None: wanted}


def source_of(source: CatalogSource | None) -> str | None:
    """The file or module that a caller names a catalog by, or None."""
    if isinstance(source, OpenCatalog):
        return source.source
    return place(source) if isinstance(source, str | os.PathLike) else None
