"""A table by its address: the query string as a statement with parameters."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from starlette.datastructures import QueryParams

from neuralake.errors import did_you_mean
from neuralake.identifiers import quoted
from neuralake.lists import names_in, require_once
from neuralake.serving.http.problems import ProblemError
from neuralake.serving.http.reading import check_query, whole
from neuralake.serving.partitions import typed_text

DEFAULT_ROWS = 1000
# What follows the column; none of it is looked for within a value
_TEST = re.compile(
    r"\s+is\s+(?P<no>not\s+)?(?P<null>null)|\s+in\s*\((?P<values>.*)\)"
    r"|\s*(?P<operator>!=|<=|>=|=|<|>|~)(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_OF_SOME_COLUMN = re.compile(rf"(?P<column>.+?)(?:{_TEST.pattern})", re.IGNORECASE | re.DOTALL)
_OPERATORS = {"~": "LIKE", "!=": "<>"}
_KNOWN = frozenset(
    {"columns", "where", "sort", "limit", "offset", "as_of", "format", "timeout", "max_rows"}
)
_MOST_CONDITIONS = 100


@dataclass(frozen=True)
class Page:
    """A part of a table.

    Attributes
    ----------
    sql, parameters
        The statement that gives it.
    limit, offset
        How many rows, and after how many.
    """

    sql: str
    parameters: tuple[pa.Scalar, ...]
    limit: int
    offset: int


def page_of(
    table: str, schema: pa.Schema, key: tuple[str, ...], query: QueryParams, most_rows: int
) -> Page:
    """What a query string asks of a table.

    Parameters
    ----------
    table, schema
        The table, and its columns.
    key
        Names of the columns that identify a row; pages without ``sort`` are in their order.
    query
        The query string: ``columns``, ``where``, ``sort``, ``limit`` and ``offset``.
    most_rows
        That are answered at once.

    Raises
    ------
    ProblemError
        If it names what the table does not have, or a value does not fit its column.
    """
    columns = [name for name in query if name not in _KNOWN and name in schema.names]
    hint = f"; a condition is written where={columns[0]}=…" if columns else ""
    check_query(query, _KNOWN, several={"where"}, more=hint)
    chosen = list(_names(query.get("columns"), schema)) or schema.names
    require_once(chosen, "column", _refused)
    values: list[pa.Scalar] = []
    given = query.getlist("where")
    if len(given) > _MOST_CONDITIONS:
        raise ProblemError(400, f"{len(given)} conditions: at most {_MOST_CONDITIONS} are taken")
    conditions = [_condition(text, schema, values) for text in given]
    limit = whole(query, "limit", min(DEFAULT_ROWS, most_rows))
    offset = whole(query, "offset", 0)
    order = list(_order(query.get("sort"), schema))
    require_once((name for name, _ in order), "sort column", _refused)
    if offset or "limit" in query:  # pages of one version follow each other without a gap
        named = {name for name, _ in order}
        ties = [n for n in (key or schema.names) if n in schema.names and n not in named]
        order += [(n, "ASC") for n in ties if _is_ordered(schema.field(n).type)]
    sql = f"SELECT {', '.join(map(quoted, chosen))} FROM {quoted(table)}"  # noqa: S608 - quoted
    if conditions:
        sql += f" WHERE {' AND '.join(conditions)}"
    if order:
        sql += f" ORDER BY {', '.join(f'{quoted(n)} {how} NULLS LAST' for n, how in order)}"
    sql += f" LIMIT {min(limit, most_rows)} OFFSET {offset}"
    return Page(sql, tuple(values), min(limit, most_rows), offset)


def _refused(reason: str) -> ProblemError:
    return ProblemError(400, reason)


def _names(text: str | None, schema: pa.Schema) -> Iterator[str]:
    for name in [] if text is None else names_in(text):
        yield _column(name, schema)


def _order(text: str | None, schema: pa.Schema) -> Iterator[tuple[str, str]]:
    for name in [] if text is None else names_in(text):
        is_descending = name.startswith("-") and name not in schema.names
        column = _column(name.removeprefix("-") if is_descending else name, schema)
        if not _is_ordered(schema.field(column).type):
            raise ProblemError(400, f"column {column} is nested: rows are not sorted by it")
        yield column, "DESC" if is_descending else "ASC"


def _condition(text: str, schema: pa.Schema, values: list[pa.Scalar]) -> str:
    """A condition in SQL; its values are appended."""
    column, test = _divided(text, schema)
    if test["null"] is not None:
        return f"{quoted(column)} IS {'NOT ' if test['no'] else ''}NULL"
    if test["values"] is not None:
        marks = []
        for value in names_in(test["values"]):
            values.append(_value(column, value, schema))
            marks.append(f"${len(values)}")
        return f"{quoted(column)} IN ({', '.join(marks)})"
    operator = _OPERATORS.get(test["operator"], test["operator"])
    if operator == "LIKE" and not _is_text(schema.field(column).type):
        raise ProblemError(400, f"column {column} is no text: ~ compares texts")
    values.append(_value(column, test["value"], schema))
    return f"{quoted(column)} {operator} ${len(values)}"


def _divided(text: str, schema: pa.Schema) -> tuple[str, re.Match[str]]:
    """A condition's column, the longest that it begins with, and what is asked of it."""
    begun = text.lstrip()
    for name in sorted(schema.names, key=len, reverse=True):
        if begun.startswith(name) and (test := _TEST.fullmatch(begun, len(name))):
            return name, test
    if match := _OF_SOME_COLUMN.fullmatch(begun):
        _column(match["column"], schema)  # which there is not
    raise ProblemError(
        400,
        f"where is {text[:100]!r}: expected such as total>=10, name=Ann, name~A%, id in (1, 2) "
        "or name is null",
    )


def _value(column: str, text: str, schema: pa.Schema) -> pa.Scalar:
    kind = schema.field(column).type
    if not _is_ordered(kind):
        raise ProblemError(400, f"column {column} is nested: it is only compared with null")
    try:
        if _is_bytes(kind):  # as answers have them
            return pa.scalar(base64.b64decode(text, validate=True), kind)
        return typed_text(text, kind)
    except (pa.ArrowException, ValueError):
        raise ProblemError(400, f"column {column} is {kind}: {text[:100]!r} is none") from None


def _column(name: str, schema: pa.Schema) -> str:
    name = name.strip()
    if name not in schema.names:
        raise ProblemError(
            400,
            f"no column {name[:100]!r}: there are {', '.join(schema.names)}"
            f"{did_you_mean(name, schema.names)}",
        )
    return name


def _is_ordered(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind))
