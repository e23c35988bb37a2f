"""A condition in SQL as a tree, before it is held against any table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neuralake.errors import CatalogError

if TYPE_CHECKING:
    from sqlglot import exp


def parse(sql: str) -> exp.Expr:
    """Read a condition, without a look at any table.

    Raises
    ------
    CatalogError
        If it is no condition, or more than one statement.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        statements = sqlglot.parse(sql)
    except (SqlglotError, RecursionError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CatalogError(f"SQL condition {shown(sql)} cannot be read: {reason}") from error
    found = [statement for statement in statements if statement is not None]
    if len(found) != 1:
        raise CatalogError(
            f"SQL condition {shown(sql)}: there are {len(found)} statements: expected one "
            f"condition, such as amount > 10"
        )
    return found[0]


def named(node: exp.Expr) -> Iterator[str]:
    """Names of the columns in a condition, as they are written."""
    from sqlglot import exp

    return (column.name for column in node.find_all(exp.Column))


def conjuncts(sql: str) -> list[str]:
    """The parts of a condition that are joined by AND at its top."""
    from sqlglot import exp

    found, waiting = [], [parse(sql)]
    while waiting:
        part = waiting.pop().unnest()
        if isinstance(part, exp.And):
            waiting += [part.expression, part.this]
        else:
            found.append(part)
    return [part.sql(comments=False) for part in found]


def shown(sql: str) -> str:
    """A condition for a message, cut off where it is long."""
    return repr(sql) if len(sql) <= 80 else f"{sql[:77]!r}…"
