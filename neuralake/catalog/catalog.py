"""Catalog and databases: which tables there are, found by name."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from neuralake.catalog.declaration import check_name
from neuralake.catalog.html import catalog_html, database_html
from neuralake.catalog.keys import check_keys
from neuralake.catalog.tables import FunctionTable, Table
from neuralake.config import Settings
from neuralake.errors import CatalogError, did_you_mean, shortened

# A module that is called so says nothing of what is in it: its directory or package does.
_NAMELESS = ("catalog", "tables", "__init__")


@dataclass(frozen=True)
class Database:
    """Tables under one name.

    Attributes
    ----------
    name
        Name in SQL and in ``database.table``.
    tables
        The tables, in the order of their declaration.
    description
        What they are about, in a line.
    """

    name: str
    tables: tuple[Table, ...]
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "database")
        _check_all(self.tables, _is_table, f"database {self.name}", "tables, such as a DeltaTable")
        seen: set[str] = set()
        for table in self.tables:
            if table.name in seen:
                raise CatalogError(f"database {self.name} has two tables named {table.name}")
            seen.add(table.name)
        # Attributes of the object and not found by __getattr__: a shell that completes what is
        # typed runs no code for it
        taken = {*dir(type(self)), *vars(self)}
        vars(self).update({t.name: t for t in self.tables if t.name not in taken})

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Table:
            """A table, unless its name is one of a method or field."""

    def __getitem__(self, name: str) -> Table:
        """A table, whatever its name is; raises ``CatalogError`` if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise CatalogError(_unknown("table", str(name), [table.name for table in self.tables]))

    def _ipython_key_completions_(self) -> list[str]:
        return [table.name for table in self.tables]

    def _repr_html_(self) -> str:
        return database_html(self)

    @classmethod
    def from_module(cls, module: ModuleType, name: str | None = None) -> Self:
        """Every table that a module holds at its top level.

        Parameters
        ----------
        module
            The module; the first line of its docstring becomes the description.
        name
            Name of the database. By default the module's own, or that of its package or directory
            where the module is called ``catalog`` or ``tables``.

        Raises
        ------
        CatalogError
            If it holds no table, or two of one name.
        """
        # a list: a thread that the module started may still define what comes to its mind
        values = [*vars(module).values()]
        found = {id(value): value for value in values if _is_table(value)}
        if not found:
            raise CatalogError(
                f"{getattr(module, '__file__', None) or module.__name__} holds no table: "
                f"expected a DeltaTable, a ParquetTable or a function with @table at its top level"
            )
        doc = inspect.getdoc(module) or ""
        return cls(name or _database_name(module), tuple(found.values()), doc.partition("\n")[0])


@dataclass(frozen=True)
class Catalog:
    """Databases, and their tables by name.

    Attributes
    ----------
    databases
        The databases.
    making
        Function tables that are being made from this catalog just now, outermost first: a table
        that would be made from itself is found by it.
    """

    databases: tuple[Database, ...]
    making: tuple[FunctionTable, ...] = ()

    def __post_init__(self) -> None:
        _check_all(
            self.databases,
            lambda value: isinstance(value, Database),
            "a catalog",
            "databases, such as Database('shop', (orders,))",
        )
        names = [database.name for database in self.databases]
        for name in names:
            if names.count(name) > 1:
                raise CatalogError(f"the catalog has two databases named {name}")

    def __getitem__(self, name: str) -> Database:
        """A database, whatever its name is; raises ``CatalogError`` if there is none."""
        if not isinstance(name, str):
            raise CatalogError(
                f"{name!r:.60} is no name: expected one of a database, such as 'shop'"
            )
        return self.bound(self.database(name))

    def __getattr__(self, name: str) -> Database:
        """A database, unless its name is one of a method or field."""
        databases: tuple[Database, ...] = self.__dict__.get("databases", ())  # none while unpickled
        for database in databases:
            if database.name == name:
                return self.bound(database)
        known = [database.name for database in databases]
        raise AttributeError(_unknown("database or attribute", name, known), name=name, obj=self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._ipython_key_completions_()})

    def _ipython_key_completions_(self) -> list[str]:
        return [database.name for database in self.databases]

    def _repr_html_(self) -> str:
        return catalog_html(self.databases)

    def bound(self, database: Database) -> Database:
        """A database whose function tables can be made: they know this catalog."""
        return replace(database, tables=tuple(self._bound(table) for table in database.tables))

    def resolve(self, settings: Settings) -> Catalog:
        """The same catalog, every location absolute and with the options that reach it."""
        databases = [
            replace(database, tables=tuple(table.resolve(settings) for table in database.tables))
            for database in self.databases
        ]
        return replace(self, databases=tuple(databases))

    def database(self, name: str) -> Database:
        """The database of a name."""
        for database in self.databases:
            if database.name == name:
                return database
        raise CatalogError(_unknown("database", name, [d.name for d in self.databases]))

    def table(self, name: str, database: str | None = None) -> Table:
        """The table of a name.

        Parameters
        ----------
        name
            ``orders``, or ``shop.orders``.
        database
            Where to look, if not everywhere.

        Raises
        ------
        CatalogError
            If there is none, or more than one.
        """
        return self.placed(name, database)[1]

    def placed(self, name: str, database: str | None = None) -> tuple[Database, Table]:
        """The table of a name, as :meth:`table` finds it, with its database."""
        if database is None and "." in name:
            database, _, name = name.partition(".")
        within = self.databases if database is None else (self.database(database),)
        found = [pair for pair in self._named.get(name, ()) if database in (None, pair[0].name)]
        if not found:
            raise CatalogError(_unknown("table", name, [t.name for d in within for t in d.tables]))
        if len(found) > 1:
            raise _ambiguous(name, [d.name for d, _ in found])
        return found[0][0], self._bound(found[0][1])

    def each_table(self) -> Iterator[tuple[Database, Table]]:
        """Every table, as :meth:`table` gives it, with its database, in their order."""
        for database in self.databases:
            for table in database.tables:
                yield database, self._bound(table)

    @cached_property
    def names_twice(self) -> frozenset[str]:
        """Names of tables that stand in more than one database."""
        return frozenset(name for name, found in self._named.items() if len(found) > 1)

    def tables(
        self, database: str | None = None, *, without: Collection[str] = ()
    ) -> dict[str, Table]:
        """All tables by their bare names, as an engine registers them.

        Parameters
        ----------
        database
            The one database to take, if not all.
        without
            Names that nobody asks for.

        Raises
        ------
        CatalogError
            If a name stands in two databases.
        """
        within = self.databases if database is None else (self.database(database),)
        found: dict[str, Table] = {}
        for table in (table for one in within for table in one.tables):
            if table.name in without:
                continue
            if table.name in found:
                raise _ambiguous(table.name, [d.name for d, _ in self._named[table.name]])
            found[table.name] = self._bound(table)
        return found

    def with_arguments(self, **arguments: Any) -> Catalog:
        """The same catalog, whose function tables are made with other values of their parameters.

        Parameters
        ----------
        arguments
            By the names of parameters; each goes to every function that has one of that name.

        Raises
        ------
        CatalogError
            If no function has such a parameter.
        """
        unused = set(arguments)

        def given(table: Table) -> Table:
            if not isinstance(table, FunctionTable):
                return table
            own = arguments.keys() & table.parameters()
            unused.difference_update(own)
            return table.with_arguments(**{name: arguments[name] for name in own})

        databases = tuple(replace(d, tables=tuple(map(given, d.tables))) for d in self.databases)
        if unused:
            raise CatalogError(f"no table has a parameter {min(unused)}")
        return replace(self, databases=databases)

    def check(self) -> None:
        """Check every table against its declaration, and that foreign keys lead somewhere.

        Raises
        ------
        CatalogError
            For the first table that cannot be read, or a key to what is not there.
        SchemaMismatchError
            For the first column that differs.
        """
        for database, table in self.each_table():
            check_keys(table, partial(self.beside, database))
            table.check()

    def while_making(self, table: FunctionTable) -> Catalog:
        """The catalog that the function of a table is given.

        Raises
        ------
        CatalogError
            If the table is being made already: it would be made from itself without end.
        """
        making = (*self.making, table)
        if table in self.making:
            circle = " → ".join(table.name for table in making)
            raise CatalogError(f"table {table.name} is made from itself: {circle}")
        return replace(self, making=making)

    def beside(self, database: Database, name: str) -> Table:
        """The table that another one names: of the same database, or ``database.table``.

        Raises
        ------
        CatalogError
            If there is none.
        """
        return self.table(name) if "." in name else self.table(name, database.name)

    @cached_property
    def _named(self) -> dict[str, list[tuple[Database, Table]]]:
        """The tables of a name, with their databases."""
        found: defaultdict[str, list[tuple[Database, Table]]] = defaultdict(list)
        for database in self.databases:
            for table in database.tables:
                found[table.name].append((database, table))
        return dict(found)

    def _bound(self, table: Table) -> Table:
        return replace(table, catalog=self) if isinstance(table, FunctionTable) else table


def _is_table(value: object) -> bool:
    # The type is asked first: an object with __getattr__, such as polars.col, has any attribute.
    return hasattr(type(value), "arrow_schema") and isinstance(value, Table)


def _check_all(
    values: object, is_right: Callable[[object], bool], owner: str, expected: str
) -> None:
    """Refuse what is no tuple of what it should be."""
    if not isinstance(values, tuple):
        given = shortened(repr(values), 60)
        raise CatalogError(f"{owner} has {given}: expected a tuple of {expected}")
    for value in values:
        if not is_right(value):
            name = getattr(value, "name", None)
            what = type(value).__name__ + (f" {name}" if isinstance(name, str) else "")
            raise CatalogError(f"{owner} has a {what}: expected {expected}")


def _unknown(kind: str, name: str, known: list[str]) -> CatalogError:
    there_are = ", ".join(known) or "none"
    return CatalogError(f"no {kind} {name}: there are {there_are}{did_you_mean(name, known)}")


def _ambiguous(name: str, databases: list[str]) -> CatalogError:
    return CatalogError(
        f"table {name} is in the databases {' and '.join(databases)}: "
        f"choose with database=… (--database), or {databases[0]}.{name} where no SQL is asked"
    )


def _database_name(module: ModuleType) -> str:
    """The last part of a module's name or path that says something, as an SQL name."""
    parts = module.__name__.split(".")
    if len(parts) == 1 and (file := getattr(module, "__file__", None)):
        parts = list(Path(file).with_suffix("").parts)
    telling = [part for part in parts if part not in _NAMELESS and part.strip("/")]
    name = re.sub(r"[^a-z0-9_]+", "_", (telling or parts)[-1].lower())
    return f"_{name}" if name[:1].isdigit() else name
