"""What no file says: computed columns, columns that files lack, the newest row of each key.

A table that is declared with any of these is a *view*: a select over a base table, which is the
same table without them. Every engine here registers the base under a name of its own and the
select, in its own SQL, as the table; a LazyFrame is the select on Polars. So there is one text
(:meth:`View.sql`), and engines plan through it as through any view.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeVar

import pyarrow as pa

from neuralake.arrow import without_metadata
from neuralake.catalog.columns import Column, arrow_schema
from neuralake.catalog.declaration import BASE
from neuralake.errors import CatalogError, SchemaMismatchError

if TYPE_CHECKING:
    import polars as pl

    from neuralake.catalog.dialects import Dialect

T = TypeVar("T")
MissingColumns = Literal["refuse", "null"]
Ties = Literal["ordered", "any"]
_RANK = "neuralake_rank"
# What is said of a view where stored rows are asked for
AS_VIEW = (
    "is a view, by computed or missing columns or by latest, and no engine reads it from its files "
    "alone: expected its base, and the select over it (neuralake.catalog.views.view_of)"
)


@dataclass(frozen=True)
class Latest:
    """The newest row of each key, and no other.

    Attributes
    ----------
    by
        Columns by which a row is newer, the first one first: greater values are newer, NaN is
        greater than any number, and null is older than everything.
    key
        Columns that a key is made of; null is a key as any other value.
    ties
        Which one of the rows that ``by`` does not tell apart: ``ordered`` takes the one that is
        greater in the other columns, in their order, so that all engines give the same; ``any``
        leaves it to the engine.
    """

    by: tuple[str, ...]
    key: tuple[str, ...]
    ties: Ties = "ordered"


class Declared(Protocol):
    """What a table says of itself as a view."""

    @property
    def name(self) -> str:
        """Name in SQL."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Declared columns."""

    @property
    def missing_columns(self) -> MissingColumns:
        """What is done about a declared column that the table lacks."""

    @property
    def newest(self) -> Latest | None:
        """Whether only the newest row of each key is wanted."""


def is_view(table: object) -> bool:
    """Whether the rows of a table are more, or other, than those that are stored."""
    return (
        getattr(table, "newest", None) is not None
        or getattr(table, "missing_columns", "refuse") != "refuse"
        or any(c.expression is not None for c in getattr(table, "columns", ()))
    )


def count(frame: pl.LazyFrame) -> int:
    """Number of rows."""
    import polars as pl

    return int(frame.select(pl.len()).collect().item())


def _names(given: object) -> tuple[Any, ...]:
    """Names as they were given, one or several; what is none is told where they are checked."""
    is_one = isinstance(given, str) or not isinstance(given, Iterable)
    return (given,) if is_one else tuple(given)  # type: ignore[arg-type]


class NewestRows:
    """A table that has the field ``newest``, and can be read as the newest row of each key."""

    def latest(
        self,
        by: str | Sequence[str],
        *,
        key: str | Sequence[str] | None = None,
        ties: Ties = "ordered",
        name: str | None = None,
    ) -> Self:
        """The same table, of which only the newest row of each key is read.

        Parameters
        ----------
        by, key, ties
            As of :class:`Latest`; a single name may be a text. The key is the primary key by
            default.
        name
            Name of the new table; that of the old one by default.

        Raises
        ------
        CatalogError
            If it has no key, or a column is not declared.
        """
        declared: Any = self
        chosen = declared.primary_key if key is None else _names(key)
        if not chosen:
            raise CatalogError(
                f"table {declared.name} has no primary key: expected latest(by=…, key=…)"
            )
        wanted = Latest(_names(by), tuple(chosen), ties)
        found: Self = replace(declared, newest=wanted, name=name or declared.name)
        return found


def check_view(table: Declared) -> None:
    """Refuse what cannot be a view, as far as the declaration tells.

    Raises
    ------
    CatalogError
        If an expression is impossible, or a column is named that is not declared.
    """
    if table.missing_columns not in ("refuse", "null"):
        raise CatalogError(
            f"table {table.name}: missing_columns is {table.missing_columns!r:.60}: "
            f"expected 'refuse' or 'null'"
        )
    stored = stored_columns(table.columns)
    if table.missing_columns == "null" and not stored:
        raise CatalogError(
            f"table {table.name}: missing_columns is 'null', and no stored column is declared"
        )
    if stored and is_view(table):
        _view(table, arrow_schema(stored)).check()
    elif table.newest is not None:
        _check_latest(table.name, table.newest, None)


def stored_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Declared columns that are no expressions."""
    return tuple(column for column in columns if column.expression is None)


def present_columns(table: Declared, live: pa.Schema) -> tuple[Column, ...]:
    """Declared columns that a table must have as they are declared: those that are stored.

    Raises
    ------
    SchemaMismatchError
        If a column is absent that is declared as not null, or all of them are.
    """
    stored = stored_columns(table.columns)
    if table.missing_columns == "refuse":
        return stored
    for column in stored:
        if column.name not in live.names and not column.nullable:
            raise SchemaMismatchError(
                f"table {table.name} has no column {column.name}, declared as not null; "
                f"it has {', '.join(live.names)}"
            )
    present = tuple(column for column in stored if column.name in live.names)
    if stored and not present:
        raise SchemaMismatchError(
            f"table {table.name} has none of its declared columns; it has {', '.join(live.names)}"
        )
    return present


@dataclass(frozen=True)
class View(Generic[T]):
    """A select over a base table.

    Attributes
    ----------
    base
        The table without what makes it a view; of a Delta table at one version.
    name
        Of the view.
    stored
        Columns of the base.
    columns
        Declared columns; none that is stored leaves the base's schema open.
    newest
        As of the table.
    """

    base: T
    name: str
    stored: pa.Schema
    columns: tuple[Column, ...]
    newest: Latest | None = None

    @property
    def base_name(self) -> str:
        """Under which an engine registers the base."""
        return f"{BASE}{self.name}"

    @cached_property
    def absent(self) -> pa.Schema:
        """Columns that are declared, and the base lacks."""
        names = self.stored.names
        return arrow_schema([c for c in stored_columns(self.columns) if c.name not in names])

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the view, in their order."""
        if not stored_columns(self.columns):
            computed = arrow_schema(self.columns)
            return pa.schema([*self.stored, *computed])
        found = {field.name: field for field in [*self.stored, *arrow_schema(self.columns)]}
        return pa.schema([found[column.name] for column in self.columns])

    def check(self) -> None:
        """Raise ``CatalogError`` if there can be no such view on any engine."""
        from neuralake.catalog.dialects import DUCKDB

        self.sql(self.base_name, DUCKDB, has_absent=True)

    def sql(self, source: str, dialect: Dialect, *, has_absent: bool = False) -> str:
        """The select, in an engine's SQL.

        Parameters
        ----------
        source
            Name of the base.
        dialect
            The engine's.
        has_absent
            Whether the engine has put the columns that are absent into the base itself, as nulls.

        Raises
        ------
        CatalogError
            If an expression is impossible, or a column is missing that the view is made by.
        """
        quote = dialect.quote
        selected = f"FROM {quote(source)}"
        if self.absent.names and not has_absent:
            columns = [quote(name) for name in self.stored.names]
            columns += [f"{self._null(f, dialect)} AS {quote(f.name)}" for f in self.absent]
            selected = f"FROM (SELECT {', '.join(columns)} {selected}) AS filled"
        known = pa.schema([*self.stored, *self.absent])
        expressions = {c.name: c.expression for c in self.columns if c.expression is not None}
        outputs = []
        for field in self.schema:
            text = expressions.get(field.name)
            value = quote(field.name)
            if text is not None:
                value = f"{self._computed(field, text, known, dialect)} AS {value}"
            outputs.append(value)
        select = f"SELECT {', '.join(outputs)} {selected}"
        return select if self.newest is None else self._newest(select, self.newest, dialect)

    def frame(self, base: pl.LazyFrame) -> pl.LazyFrame:
        """The view as a LazyFrame of Polars, from that of its base."""
        import polars as pl

        from neuralake.catalog.dialects import POLARS
        from neuralake.catalog.scan import moments_in_utc, polars_schema

        base = moments_in_utc(base, polars_schema(self.stored))
        nulls = polars_schema(self.absent).items()
        filled = base.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in nulls)
        context = pl.SQLContext({self.base_name: filled})
        return context.execute(self.sql(self.base_name, POLARS, has_absent=True))

    def _null(self, field: pa.Field, dialect: Dialect) -> str:
        from neuralake.arrow import plain_type

        null = dialect.null(plain_type(field.type))
        if null is None:
            raise CatalogError(
                f"column {self.name}.{field.name} is absent, and this engine is told no null of "
                f"the type {field.type}"
            )
        return null

    def _computed(self, field: pa.Field, text: str, known: pa.Schema, dialect: Dialect) -> str:
        from neuralake.catalog.expressions import compute

        if field.name in known.names:
            raise CatalogError(f"column {self.name}.{field.name} is computed, and stored, too")
        return compute(f"column {self.name}.{field.name}", text, field.type, known, dialect)

    def _newest(self, select: str, newest: Latest, dialect: Dialect) -> str:
        _check_latest(self.name, newest, self.schema)
        quote = dialect.quote
        given = (*newest.by, *newest.key)
        others = () if newest.ties == "any" else (n for n in self.schema.names if n not in given)
        order = [
            f"{self._compared(name, dialect)} DESC NULLS LAST" for name in (*newest.by, *others)
        ]
        names = ", ".join(map(quote, self.schema.names))
        key = ", ".join(self._compared(name, dialect) for name in newest.key)
        number = _RANK
        while number in map(str.lower, self.schema.names):
            number += "_"
        over = f"PARTITION BY {key} ORDER BY {', '.join(order)}{dialect.rank_frame}"
        rank = f"ROW_NUMBER() OVER ({over}) AS {number}"
        ranked = f"SELECT {names}, {rank} FROM ({select}) AS every_row"  # noqa: S608 - quoted
        return f"SELECT {names} FROM ({ranked}) AS ranked WHERE {number} = 1"  # noqa: S608 - quoted

    def _compared(self, name: str, dialect: Dialect) -> str:
        """A column by which rows are ordered, or told apart: to some engines -0.0 is not 0.0."""
        value = dialect.quote(name)
        is_float = pa.types.is_floating(self.schema.field(name).type)
        return f"({value} + CAST(0 AS DOUBLE))" if is_float else value


def view_of(table: T) -> View[T] | None:
    """A table as a view, or None if it is none.

    A Delta table is looked at: its base is what it is now.

    Raises
    ------
    CatalogError
        If it cannot be read, or there can be no such view.
    SchemaMismatchError
        If it differs from its declaration.
    """
    if not is_view(table):
        return None
    declared: Any = table
    base: Any = replace(declared, **_plain(declared))
    stored = stored_columns(declared.columns)
    if stored and declared.missing_columns == "refuse":
        return _view(declared, arrow_schema(stored), _keeping(base, declared))
    if hasattr(base, "as_of"):
        snapshot = _keeping(base, declared).read_snapshot()
        base = replace(base, version=snapshot.version, at=None)
        live = snapshot.schema
    else:
        live = base.arrow_schema()
    base = replace(base, columns=present_columns(declared, live))
    return _view(declared, live, _keeping(base, declared))


def _keeping(base: Any, view: Any) -> Any:
    """A base, which is made anew for each look, with what its view keeps from the last one."""
    return base.keeping_with(view) if hasattr(base, "keeping_with") else base


def _plain(table: Any) -> dict[str, Any]:
    """What makes a table a view, as of one that is none."""
    found: dict[str, Any] = {"newest": None, "missing_columns": "refuse"}
    found |= {"primary_key": (), "foreign_keys": ()}
    stored = stored_columns(table.columns)
    found["columns"] = stored if table.missing_columns == "refuse" else ()
    if hasattr(table, "files_differ"):
        found["files_differ"] = table.missing_columns == "null"
    return found


def _view(table: Any, stored: pa.Schema, base: Any = None) -> View[Any]:
    return View(base, table.name, without_metadata(stored), table.columns, table.newest)


def _check_latest(table: str, newest: Latest, schema: pa.Schema | None) -> None:
    if newest.ties not in ("ordered", "any"):
        raise CatalogError(
            f"table {table}: ties is {newest.ties!r:.60}: expected 'ordered' or 'any'"
        )
    if not newest.by:
        raise CatalogError(f"table {table}: latest by no column: expected such as 'updated_at'")
    for name in (*newest.by, *newest.key):
        if not isinstance(name, str):
            raise CatalogError(
                f"table {table}: latest by {name!r:.60}: expected the name of a column"
            )
    if schema is None:
        return
    for name in (*newest.by, *newest.key):
        if name not in schema.names:
            there_are = ", ".join(schema.names)
            raise CatalogError(f"table {table} has no column {name} for latest; it has {there_are}")
        kind = schema.field(name).type
        if pa.types.is_nested(kind):
            raise CatalogError(f"table {table}: latest by column {name}, which is {kind}")
    nested = next((f for f in schema if pa.types.is_nested(f.type)), None)
    if nested is not None and newest.ties == "ordered":
        raise CatalogError(
            f"table {table}: column {nested.name} is {nested.type}, by which engines order no rows "
            f"that tie: say latest(…, ties='any')"
        )
