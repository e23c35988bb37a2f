"""A table that a Python function makes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, overload

import pyarrow as pa

from neuralake.arrow import plain_schema
from neuralake.catalog.about import NOTHING, About, warn_who_asks
from neuralake.catalog.columns import Column, arrow_schema, check_schema
from neuralake.catalog.declaration import ForeignKey, check_declaration
from neuralake.catalog.filters import Condition
from neuralake.catalog.frames import lazy_frame
from neuralake.catalog.html import table_html
from neuralake.catalog.modules import FunctionReference, beside_function, why_not_found
from neuralake.catalog.predicates import apply
from neuralake.catalog.views import (
    Latest,
    MissingColumns,
    NewestRows,
    check_view,
    view_of,
)
from neuralake.config import Settings
from neuralake.errors import CatalogError, NeuralakeError, named_reason
from neuralake.user_code import calling

if TYPE_CHECKING:
    import polars as pl

Function = Callable[..., Any]
_CATALOG = "catalog"


class Maker(Protocol):
    """What gives the function of a table its catalog: the catalog itself."""

    def while_making(self, table: FunctionTable) -> object:
        """The catalog that the function is given; it knows which tables are being made."""


@dataclass(frozen=True, kw_only=True)
class FunctionTable(NewestRows):
    """A table that a function returns, as a Polars LazyFrame or DataFrame or a pyarrow Table.

    The function is called at each reading; nothing is kept.

    Attributes
    ----------
    name
        Name in SQL.
    function
        Called with ``arguments``, and with the catalog if it has a parameter ``catalog``.
    columns
        Declared columns, enforced on what the function returns; empty leaves the schema open.
    description, primary_key, foreign_keys, about, missing_columns, newest
        As of a :class:`~neuralake.catalog.delta.DeltaTable`.
    arguments
        Values for the function's parameters, in place of their defaults.
    catalog
        The catalog that the table belongs to; set by the catalog itself.
    """

    name: str
    function: Function
    columns: tuple[Column, ...] = ()
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    about: About = NOTHING
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    missing_columns: MissingColumns = "refuse"
    newest: Latest | None = None
    catalog: Maker | None = field(default=None, repr=False, compare=False)

    format: ClassVar[str] = "function"

    def __post_init__(self) -> None:
        check_declaration(self.name, self.columns, self.primary_key, self.foreign_keys, self.about)
        check_view(self)
        _check_parameters(self.name, self.function, self.arguments)

    def _repr_html_(self) -> str:
        return table_html(self)

    def resolve(self, settings: Settings) -> FunctionTable:  # noqa: ARG002 - as every table
        """The same table: a function has no location."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "function"}
        reason = self._why_not_found()
        if reason is None:
            return _unpickled, (FunctionReference.to(self.function), values)
        return _not_found, (reason, {**values, "arguments": {}})  # another table may be read

    def require_importable(self) -> None:
        """Refuse a function that the process of an engine would not find, or mistake for another.

        Raises
        ------
        CatalogError
            With the reason.
        """
        if (reason := self._why_not_found()) is not None:
            raise CatalogError(reason)

    def _why_not_found(self) -> str | None:
        if (reason := why_not_found(self.function)) is None:
            return None
        name = getattr(self.function, "__qualname__", "")
        return (
            f"table {self.name}: its function {name}{' ' * bool(name)}is {reason}, where the "
            "process of an engine does not find it: put it at the top level of a module"
        )

    def parameters(self) -> set[str]:
        """Names of the function's parameters that may be given other values."""
        return set(inspect.signature(self.function).parameters) - {_CATALOG}

    def with_arguments(self, **arguments: Any) -> FunctionTable:
        """The same table made with other values of the function's parameters."""
        return replace(self, arguments={**self.arguments, **arguments})

    def arrow(self) -> pa.Table:
        """The rows, as declared: columns in their order, strings as plain strings.

        Raises
        ------
        CatalogError
            If the function fails or returns no table.
        SchemaMismatchError
            If what it returns differs from the declaration, a null where none may be included.
        """
        if (view := view_of(self)) is not None:
            made = view.frame(lazy_frame(self.name, view.base.arrow())).collect().to_arrow()
            return made.cast(plain_schema(view.schema))
        return self._enforced(self._arrow(self._call()))

    def arrow_schema(self) -> pa.Schema:
        """Schema of what the function returns; a LazyFrame's rows are not computed."""
        if (view := view_of(self)) is not None:
            return view.schema
        return self._schema(self._call())

    def check(self) -> None:
        """Make the table, and raise ``SchemaMismatchError`` if it differs from the declaration."""
        self.arrow()

    def lazy(self, filters: Sequence[Condition] = (), columns: Sequence[str] = ()) -> pl.LazyFrame:
        """Rows as a LazyFrame; filters and columns are pushed down into the function's own.

        A LazyFrame is computed here only if a column is declared as not null, which nothing but
        the rows can show.
        """
        import polars as pl

        warn_who_asks(self)
        if (view := view_of(self)) is not None:
            return apply(view.frame(view.base.lazy()), self.name, filters, columns)
        made = self._call()
        lazily = isinstance(made, pl.LazyFrame) and all(c.nullable for c in self.columns)
        if lazily:
            schema = self._schema(made)
            check_schema(self.name, self.columns, schema)
            frame = made.select([c.name for c in self.columns] or pl.all())
        else:
            rows = self._enforced(self._arrow(made))
            schema = rows.schema
            frame = lazy_frame(self.name, rows)
        return apply(frame, self.name, filters, columns)

    def _call(self) -> Any:
        arguments = dict(self.arguments)
        if _CATALOG in inspect.signature(self.function).parameters:
            if self.catalog is None:
                raise CatalogError(
                    f"table {self.name} is made from its catalog: take it with catalog.table(…)"
                )
            arguments[_CATALOG] = self.catalog.while_making(self)
        return self._guard(lambda: self.function(**arguments))

    def _schema(self, made: Any) -> pa.Schema:
        polars = sys.modules.get("polars")
        if polars is not None and isinstance(made, polars.LazyFrame):
            empty = self._guard(lambda: polars.DataFrame(schema=made.collect_schema()))
            return plain_schema(self._arrow(empty).schema)
        return plain_schema(self._arrow(made).schema)

    def _arrow(self, made: Any) -> pa.Table:
        # Who returns a frame of Polars has imported it: the catalog itself does not need it.
        polars = sys.modules.get("polars")
        if polars is not None and isinstance(made, polars.LazyFrame):
            made = self._guard(made.collect)
        if polars is not None and isinstance(made, polars.DataFrame):
            self._refuse_objects(made.schema)
            made = self._guard(made.to_arrow)
        if not isinstance(made, pa.Table):
            raise CatalogError(
                f"table {self.name}: its function returned {type(made).__name__}: "
                f"expected a Polars LazyFrame or DataFrame, or a pyarrow Table"
            )
        for place, column in enumerate(made.schema):
            if len(made.schema.get_all_field_indices(column.name)) > 1:
                raise CatalogError(
                    f"table {self.name}: its function returned two columns named {column.name}"
                )
            if pa.types.is_union(column.type):
                raise CatalogError(
                    f"table {self.name}: its function returned column {column.name} as a union: "
                    "expected one type for all values, such as a struct"
                )
            if pa.types.is_run_end_encoded(column.type):  # of which pyarrow has no cast
                import pyarrow.compute as pc

                made = made.set_column(place, column.name, pc.run_end_decode(made.column(place)))
        return made

    def _refuse_objects(self, schema: pl.Schema) -> None:
        """Refuse Python objects, of which Arrow is given the addresses in memory."""
        for column, dtype in schema.items():
            if dtype.is_object():  # Polars nests none of them
                raise CatalogError(
                    f"table {self.name}: its function returned column {column} as {dtype}: "
                    "expected a type that Arrow has, such as String or Int64"
                )

    def _enforced(self, rows: pa.Table) -> pa.Table:
        if not self.columns:
            return rows.cast(plain_schema(rows.schema))
        nulls = {name: rows.column(i).null_count for i, name in enumerate(rows.column_names)}
        live = pa.schema([f.with_nullable(nulls[f.name] > 0) for f in rows.schema])
        check_schema(self.name, self.columns, live)
        declared = plain_schema(arrow_schema(self.columns))
        return rows.select(declared.names).cast(declared)

    def _guard(self, call: Callable[[], Any]) -> Any:
        """Run the user's code; what it raises becomes one line that names the table."""
        try:
            with beside_function(self.function), calling():
                return call()
        except (NeuralakeError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit, a Rust panic: no Exceptions
            raise CatalogError(
                f"table {self.name}: its function failed with {named_reason(error)}"
            ) from error


@overload
def table(function: Function, /) -> FunctionTable: ...


@overload
def table(
    *,
    name: str | None = None,
    columns: tuple[Column, ...] = (),
    description: str | None = None,
    primary_key: tuple[str, ...] = (),
    foreign_keys: tuple[ForeignKey, ...] = (),
    about: About = NOTHING,
) -> Callable[[Function], FunctionTable]: ...


def table(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    columns: tuple[Column, ...] = (),
    description: str | None = None,
    primary_key: tuple[str, ...] = (),
    foreign_keys: tuple[ForeignKey, ...] = (),
    about: About = NOTHING,
) -> FunctionTable | Callable[[Function], FunctionTable]:
    """Make a table of a function: ``@table`` or ``@table(columns=…)``.

    Parameters
    ----------
    name
        Name in SQL; the function's own by default.
    description
        What a row is; the first line of the function's docstring by default.
    columns, primary_key, foreign_keys, about
        As of a :class:`FunctionTable`.
    """

    def declare(function: Function) -> FunctionTable:
        doc = inspect.getdoc(function) or ""
        return FunctionTable(
            name=name or function.__name__,
            function=function,
            columns=columns,
            description=doc.partition("\n")[0] if description is None else description,
            primary_key=primary_key,
            foreign_keys=foreign_keys,
            about=about,
        )

    return declare if function is None else declare(function)


def _unpickled(reference: FunctionReference, values: Mapping[str, Any]) -> FunctionTable:
    return FunctionTable(function=reference.load(), **values)


def _not_found(reason: str, values: Mapping[str, Any]) -> FunctionTable:
    def function() -> None:
        raise CatalogError(reason)

    return FunctionTable(function=function, **values)


def _check_parameters(table: str, function: Function, arguments: Mapping[str, Any]) -> None:
    parameters = inspect.signature(function).parameters
    for parameter in parameters.values():
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        filled = parameter.name == _CATALOG or parameter.default is not parameter.empty
        if not (named and filled):
            raise CatalogError(
                f"table {table}: parameter {parameter.name} of its function has no default: "
                f"only catalog may go without"
            )
    for name in arguments:
        if name not in parameters or name == _CATALOG:
            known = ", ".join(p for p in parameters if p != _CATALOG) or "none"
            raise CatalogError(f"table {table} has no parameter {name}: it has {known}")
