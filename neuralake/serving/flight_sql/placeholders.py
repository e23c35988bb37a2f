"""Placeholders of a statement: ``?`` as ADBC and JDBC write them, ``$1`` as DataFusion does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

# What is passed over: strings, quoted names, comments
_TOKENS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|(?P<mark>\?)|\$(?P<number>\d+)""",
    re.DOTALL,
)
TypeOf = Callable[[str], pa.DataType | None]


def numbered(sql: str) -> str:
    """The statement with each ``?`` as ``$1``, ``$2`` … in their order."""
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        if match["mark"] is None:
            return match[0]
        count += 1
        return f"${count}"

    return _TOKENS.sub(replaced, sql)


def parameter_schema(sql: str, type_of: TypeOf = lambda _name: None) -> pa.Schema:
    """Parameters of a numbered statement, each of the type of the column that it is held against.

    DataFusion's Python package does not tell what it takes a placeholder for, and JDBC's driver
    binds nothing of another type than it is told. Any other one is a text, which DataFusion makes
    into whatever it is held against. Values of other types are taken all the same.

    Parameters
    ----------
    sql
        With ``$1``, ``$2`` …
    type_of
        The type of a column by its name; None if there is none, or several of different types.
    """
    numbers = {int(m["number"]) for m in _TOKENS.finditer(sql) if m["number"] is not None}
    if not numbers:
        return pa.schema([])
    columns = dict(_held_against(sql))
    kinds = {}
    for number in sorted(numbers):
        name = columns.get(number)
        kinds[f"${number}"] = (type_of(name) if name is not None else None) or pa.string()
    return pa.schema(list(kinds.items()))


def _held_against(sql: str) -> Iterator[tuple[int, str]]:
    """Numbers of placeholders with the columns beside them: ``id = $1``, ``id BETWEEN $1 AND $2``.

    Of a statement that is not understood none is told.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(sql, read="postgres")
    except (SqlglotError, RecursionError):
        return
    for placeholder in tree.find_all(exp.Parameter):
        around = placeholder.parent
        while isinstance(around, exp.Paren | exp.Tuple | exp.Neg):
            around = around.parent
        if not isinstance(around, exp.Binary | exp.Between | exp.In):
            continue
        column = next((side for side in _sides(around) if isinstance(side, exp.Column)), None)
        if column is not None and placeholder.name.isdigit():
            quoted = bool(column.this.args.get("quoted"))
            yield int(placeholder.name), column.name if quoted else column.name.lower()


def _sides(around: Any) -> Iterator[Any]:
    for side in (around.args.get(name) for name in ("this", "expression", "low", "high")):
        if side is not None:
            yield side.unnest()
