"""Typed conditions on rows: what is kept, whatever reads the table.

A condition keeps the rows for which SQL says true: a comparison with a missing value is never true,
and neither is its negation. How it is held against rows is :mod:`neuralake.catalog.predicates`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from neuralake.errors import CatalogError

Operator = Literal[
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "contains",
    "starts_with",
    "ends_with",
    "includes",
    "includes_any",
    "includes_all",
    "is null",
    "is not null",
]

_OPERATORS: tuple[str, ...] = get_args(Operator)
_OF_LISTS = ("in", "not in", "includes_any", "includes_all")


@dataclass(frozen=True)
class Filter:
    """A condition on one column.

    Attributes
    ----------
    column
        Column name.
    operator
        ``=  !=  <  <=  >  >=``, ``in``, ``not in``, ``contains``, ``starts_with``, ``ends_with``,
        ``includes``, ``includes_any``, ``includes_all``, ``is null`` or ``is not null``.
    value
        What to compare with, of the column's type: ``int``, ``Decimal`` (never ``float``) for a
        decimal, ``date``, ``datetime`` (with a time zone where the column has one), ``str``, …
        A list or tuple of them for ``in`` and ``not in``; a ``str`` for a string column, or
        ``bytes`` for a binary one, for what it contains, starts or ends with, letter by letter;
        for a column of lists what one ``includes``, or a list of which it includes any or all;
        nothing for ``is null``.
    """

    column: str
    operator: Operator
    value: Any = None

    def __post_init__(self) -> None:
        place = f"filter {self.column} {self.operator}"
        if self.operator not in _OPERATORS:
            raise CatalogError(
                f"{place}: no such operator; there are {', '.join(map(repr, _OPERATORS))}"
            )
        if self.operator.startswith("is ") and self.value is not None:
            raise CatalogError(f"{place}: takes no value, but was given {self.value!r}")
        if self.operator in _OF_LISTS:
            if not isinstance(self.value, list | tuple) or not self.value:
                raise CatalogError(
                    f"{place}: takes a list of one or more values, but was given {self.value!r}"
                )
            # A list could still be changed by whoever holds it.
            object.__setattr__(self, "value", tuple(self.value))

    def __str__(self) -> str:
        value = "" if self.operator.startswith("is ") else f" {self.value!r}"
        return f"{self.column} {self.operator}{value}"


@dataclass(frozen=True)
class _Group:
    """Conditions with a word between them."""

    conditions: Sequence[Condition]

    _word: ClassVar[str]

    def __post_init__(self) -> None:
        _keep(self, self.conditions)

    def __str__(self) -> str:
        return f" {self._word} ".join(map(_grouped, self.conditions))


@dataclass(frozen=True)
class AllOf(_Group):
    """Conditions that all hold: ``AllOf([Filter(…), Filter(…)])``.

    Attributes
    ----------
    conditions
        One or more, of any kind.
    """

    _word: ClassVar[str] = "and"


@dataclass(frozen=True)
class AnyOf(_Group):
    """Conditions of which one or more hold: ``AnyOf([Filter(…), AllOf([…])])``.

    Attributes
    ----------
    conditions
        One or more, of any kind.
    """

    _word: ClassVar[str] = "or"


@dataclass(frozen=True)
class Not:
    """A condition that does not hold, as SQL's NOT: what is neither true nor false is not kept.

    Attributes
    ----------
    condition
        Of any kind.
    """

    condition: Condition

    def __post_init__(self) -> None:
        _require_conditions(self, (self.condition,))

    def __str__(self) -> str:
        return f"not {_grouped(self.condition)}"


@dataclass(frozen=True)
class Where:
    """A condition in SQL: ``Where("amount >= 10 AND (name LIKE 'A%' OR day IS NULL)")``.

    It is read into the conditions above, by the types of the table's columns, and no database is
    ever handed its text: see :mod:`neuralake.catalog.where_reader` for what it may say.

    Attributes
    ----------
    sql
        What stands behind WHERE.
    """

    sql: str

    def __post_init__(self) -> None:
        if not isinstance(self.sql, str):
            raise CatalogError(f"an SQL condition is a text, but was given {self.sql!r:.80}")
        from neuralake.catalog.where import parse

        parse(self.sql)

    def __str__(self) -> str:
        return self.sql


Condition: TypeAlias = Filter | AllOf | AnyOf | Not | Where


def columns_of(condition: Condition) -> Iterator[str]:
    """Names of the columns that a condition asks for, again and again if it does so."""
    match condition:
        case Filter():
            yield condition.column
        case Not():
            yield from columns_of(condition.condition)
        case Where():
            from neuralake.catalog.where import named, parse

            yield from named(parse(condition.sql))
        case AllOf() | AnyOf():
            for part in condition.conditions:
                yield from columns_of(part)


def _keep(group: _Group, conditions: object) -> None:
    if not isinstance(conditions, list | tuple) or not conditions:
        raise CatalogError(
            f"{type(group).__name__} takes a list of one or more conditions, but was given "
            f"{conditions!r:.80}"
        )
    _require_conditions(group, conditions)
    # A list could still be changed by whoever holds it.
    object.__setattr__(group, "conditions", tuple(conditions))


def _require_conditions(holder: object, conditions: Sequence[object]) -> None:
    for condition in conditions:
        if not isinstance(condition, Condition):
            raise CatalogError(
                f"{type(holder).__name__} takes conditions such as Filter('id', '=', 1), but was "
                f"given {condition!r:.80}"
            )


def _grouped(condition: Condition) -> str:
    return f"({condition})" if isinstance(condition, AllOf | AnyOf | Where) else str(condition)
