"""What a table declares of itself: its name, its columns and its keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from neuralake.catalog.about import NOTHING, About
from neuralake.catalog.columns import Column
from neuralake.catalog.filters import columns_of
from neuralake.errors import CatalogError

# Before the name of a view it is that of its base, to an engine
BASE = "neuralake_base_"
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values are a key of another table.

    Attributes
    ----------
    columns
        Columns of the table that refers.
    references
        Name of the table referred to, in the same database, or as ``database.table``.
    referenced_columns
        Its columns, in the order of ``columns``.
    """

    columns: tuple[str, ...]
    references: str
    referenced_columns: tuple[str, ...]


class Declared(Protocol):
    """What every table says of itself before anything is read for it."""

    @property
    def name(self) -> str:
        """Name in SQL."""

    @property
    def description(self) -> str:
        """What a row is, in a line."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Declared columns; empty where the declaration leaves the schema open."""

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the columns that identify a row."""

    @property
    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        """References to other tables."""

    @property
    def format(self) -> str:
        """``delta``, ``parquet``, ``adbc`` or ``function``."""


def references_of(table: Declared, column: str) -> tuple[str, ...]:
    """What a column refers to, by each foreign key that it is in: ``table.column``."""
    return tuple(
        f"{key.references}.{referenced}"
        for key in table.foreign_keys
        for own, referenced in zip(key.columns, key.referenced_columns, strict=True)
        if own == column
    )


def check_name(name: str, kind: str = "table") -> None:
    """Refuse a name that is not the same unquoted identifier to every engine.

    DataFusion folds unquoted names to lower case and Spark ignores case, so only lower-case names
    mean one table everywhere.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CatalogError(
            f"{kind} name {name!r:.60} is not usable in every engine's SQL: "
            f"expected lower-case letters, digits and underscores"
        )
    if name.startswith(BASE):
        raise CatalogError(
            f"{kind} name {name!r:.60} begins with {BASE}, as what views are made of: "
            "choose another"
        )


def check_declaration(
    name: str,
    columns: Sequence[Column],
    primary_key: Sequence[str],
    foreign_keys: Iterable[ForeignKey],
    about: About = NOTHING,
) -> None:
    """Refuse a declaration that contradicts itself.

    Raises
    ------
    CatalogError
        If the name is no identifier, a column is declared twice, or a key or an example filter
        names a column that is not declared; or if any of them is of another kind than expected.
    """
    check_name(name)
    _check_kinds(name, columns, primary_key, foreign_keys)
    _check_about(name, columns, about)
    declared: set[str] = set()
    for column in columns:
        if column.name in declared:
            raise CatalogError(f"table {name} declares column {column.name} twice")
        declared.add(column.name)
    for key in foreign_keys:
        if len(key.columns) != len(key.referenced_columns) or not key.columns:
            raise CatalogError(
                f"table {name}: the foreign key to {key.references} has {len(key.columns)} columns "
                f"and refers to {len(key.referenced_columns)}"
            )
    if all(column.expression is not None for column in columns):
        return  # what is stored is left open
    keys = [primary_key, *(key.columns for key in foreign_keys)]
    for column_name in (column_name for key_columns in keys for column_name in key_columns):
        if column_name not in declared:
            raise CatalogError(
                f"table {name}: a key names column {column_name}, which is not declared; "
                f"declared are {', '.join(c.name for c in columns)}"
            )


def _check_kinds(name: str, columns: object, primary_key: object, foreign_keys: object) -> None:
    """Refuse what Python itself takes: a text is a sequence of texts too, letter by letter."""
    wanted: tuple[tuple[str, object, type, str], ...] = (
        ("columns", columns, Column, "(Column('id', pa.int64()),)"),
        ("primary_key", primary_key, str, "('id',)"),
        ("foreign_keys", foreign_keys, ForeignKey, "(ForeignKey(('id',), 'other', ('id',)),)"),
    )
    for argument, given, kind, example in wanted:
        items = given if isinstance(given, tuple | list) else (None,)
        if not all(isinstance(item, kind) for item in items):
            raise CatalogError(f"table {name}: {argument} is {given!r:.60}: expected {example}")


def _check_about(name: str, columns: Sequence[Column], about: object) -> None:
    if not isinstance(about, About):
        raise CatalogError(f"table {name}: about is {about!r:.60}: expected About(owner='…')")
    is_open = all(column.expression is not None for column in columns)
    declared = [] if is_open else [column.name for column in columns]
    for column in (c for example in about.example_filters for c in columns_of(example)):
        if declared and column not in declared:
            raise CatalogError(
                f"table {name}: an example filter names column {column}, which is not declared; "
                f"declared are {', '.join(declared)}"
            )
