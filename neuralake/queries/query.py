"""A query: its SQL text with named parameters, and the order its rows are promised in.

A query file is SQL under a header of comments:

    -- Shipping priority
    -- :segment string BUILDING
    -- :date date 1995-03-15
    -- order by revenue desc, o_orderdate asc
    -- limit 10
    -- tolerance revenue 1e-4
    SELECT … WHERE c_mktsegment = :segment AND o_orderdate < :date …

The first line is the title. ``:name kind default`` declares a parameter; ``order by`` and
``limit`` repeat what the text's last clauses promise, as names of result columns, so that an
answer can be checked without parsing SQL; ``tolerance`` says how far the engines' numbers may be
apart where that is more than their types allow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from neuralake.errors import QueryError
from neuralake.queries.shape import Tolerance
from neuralake.queries.sql import substitute
from neuralake.queries.statements import require_query

_PARAMETER = re.compile(r"^:(?P<name>[a-z_][a-z0-9_]*) (?P<kind>[a-z]+) (?P<default>.+)$")
_COLUMN = r'(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<column>\w+))'
_ORDER_KEY = re.compile(
    rf"\s*{_COLUMN} (?P<direction>asc|desc)(?: nulls (?P<nulls>first|last))?\s*(?:,|$)"
)
_LIMIT = re.compile(r"(?P<limit>[0-9]+)(?: offset (?P<offset>[0-9]+))?")
_TOLERANCE = re.compile(
    rf"(?:{_COLUMN} )?(?P<number>[0-9.eE+-]+)(?: (?P<measure>relative|absolute))?"
)
_HEADER_LINE = re.compile(
    r"--([^\r\n]*)(?:\r\n?|\n|\Z)"
)  # what else Unicode calls a line end is text


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _listed(literal: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: ", ".join(literal(item.strip()) for item in value.split(","))


_LITERALS: Mapping[str, Callable[[str], str]] = {
    "integer": lambda value: str(int(value)),
    "decimal": lambda value: format(Decimal(value), "f"),
    "date": lambda value: f"DATE '{date.fromisoformat(value).isoformat()}'",
    "string": _quoted,
    "integers": _listed(lambda value: str(int(value))),
    "strings": _listed(_quoted),
}


@dataclass(frozen=True)
class Parameter:
    """A named placeholder, written ``:name`` in the text, with its default value."""

    name: str
    kind: str
    default: str

    def literal(self, value: str) -> str:
        """SQL literal of a value. Raises ``QueryError`` if the value is not of the kind."""
        try:
            return _LITERALS[self.kind](value)
        except (ValueError, InvalidOperation):
            raise QueryError(f"parameter {self.name} is {value!r}: expected {self.kind}") from None


@dataclass(frozen=True)
class SortKey:
    """One key of an ORDER BY.

    Attributes
    ----------
    column
        Name of the result column, whatever its case.
    descending
        Whether great values come first.
    nulls
        Where nulls stand if the query says it; None if that is the engine's choice.
    """

    column: str
    descending: bool
    nulls: Literal["first", "last"] | None = None


@dataclass(frozen=True)
class Allowance:
    """What a query's header allows its numbers to differ by, beyond what their types do.

    Attributes
    ----------
    tolerance
        How far they may be apart.
    column
        Name of the result column, whatever its case; None for all that are not whole.
    """

    tolerance: Tolerance
    column: str | None = None


@dataclass(frozen=True)
class Query:
    """One query of a workload.

    Attributes
    ----------
    name
        Name in results, such as ``q01``.
    title
        What it asks, in a line.
    text
        SQL with ``:name`` placeholders.
    parameters
        Declared placeholders with their defaults.
    order_by
        Keys by which the result is ordered; empty if any order is right.
    limit
        Greatest number of rows, or None.
    offset
        Number of rows that are passed over before the first one.
    allowances
        How far numbers may differ between engines, where it is more than their types say.
    """

    name: str
    title: str
    text: str
    parameters: tuple[Parameter, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    limit: int | None = None
    allowances: tuple[Allowance, ...] = ()
    offset: int = 0

    def sql(self, values: Mapping[str, str] | None = None) -> str:
        """The text with each placeholder replaced by a literal.

        Inside a quoted string the value itself is put in (``'%:color%'``), elsewhere an SQL
        literal of the parameter's kind. Comments, quoted names and dollar-quoted strings stay as
        they are, and so does every other byte.

        Parameters
        ----------
        values
            Values by parameter name; what is missing has its default.

        Raises
        ------
        QueryError
            If a name is not a parameter of this query, or a value is not of its kind.
        """
        given = dict(values or {})
        declared = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in declared:
                known = ", ".join(declared) or "none"
                raise QueryError(f"query {self.name} has no parameter {name!r}: it has {known}")
        values = {n: given.get(n, p.default) for n, p in declared.items()}
        literals = {n: p.literal(values[n]) for n, p in declared.items()}
        return substitute(self.text, literals.get, values.get)


def parse_query(name: str, source: str) -> Query:
    """Read a query file's text.

    Raises
    ------
    QueryError
        If a header line is malformed, the text is empty, or it is no query.
    """
    if "\n" not in source:
        source = source.replace("\r", "\n")  # of an old Mac: to most engines no end of a comment
    header: list[str] = []
    position = 0
    while match := _HEADER_LINE.match(source, position):
        header.append(match[1].strip())
        position = match.end()
    text = source[position:].strip().rstrip(";")
    if not text:
        raise QueryError(f"query {name} has no SQL text")
    require_query(name, text)
    title = ""
    limit: int | None = None
    offset = 0
    parameters: list[Parameter] = []
    order_by: tuple[SortKey, ...] = ()
    allowances: list[Allowance] = []
    for line in header:
        if line.startswith(":"):
            parameters.append(_parameter(name, line))
        elif line.startswith("order by "):
            order_by = _sort_keys(name, line[9:])
        elif line.startswith("limit "):
            limit, offset = _limit(name, line[6:])
        elif line.startswith("tolerance "):
            allowances.append(_allowance(name, line[10:].strip()))
        elif not title:
            title = line
    return Query(name, title, text, tuple(parameters), order_by, limit, tuple(allowances), offset)


def load_queries(directory: Path | Traversable) -> tuple[Query, ...]:
    """Every ``*.sql`` file of a directory, by name; hidden files are passed over.

    Raises
    ------
    QueryError
        If there is none, or one cannot be read.
    """
    try:
        found = [f for f in directory.iterdir() if f.name.endswith(".sql") and f.name[0] != "."]
    except OSError as error:
        raise QueryError(f"the queries in {directory} cannot be read: {error.strerror}") from error
    if not found:
        raise QueryError(f"no *.sql file in {directory}: a workload is a directory of SQL files")
    return tuple(_load_query(file) for file in sorted(found, key=lambda file: file.name))


def _load_query(file: Path | Traversable) -> Query:
    name = file.name.removesuffix(".sql")
    try:
        name.encode()
        return parse_query(name, file.read_bytes().decode("utf-8-sig"))
    except UnicodeEncodeError:
        raise QueryError(f"query file {file}: its name is not UTF-8; rename it") from None
    except UnicodeDecodeError as error:
        raise QueryError(
            f"query file {file}: byte {error.start} is not UTF-8; save it as UTF-8"
        ) from error
    except OSError as error:
        raise QueryError(f"query file {file} cannot be read: {error.strerror}") from error


def _parameter(query: str, line: str) -> Parameter:
    match = _PARAMETER.match(line)
    if match is None or match["kind"] not in _LITERALS:
        kinds = ", ".join(_LITERALS)
        raise QueryError(
            f"query {query}: {line!r} is not a parameter: "
            f"expected ':name kind default', kind one of {kinds}"
        )
    parameter = Parameter(match["name"], match["kind"], match["default"].strip())
    parameter.literal(parameter.default)
    return parameter


def _sort_keys(query: str, line: str) -> tuple[SortKey, ...]:
    keys: list[SortKey] = []
    position = 0
    while position < len(line) or not keys or line.endswith(","):
        match = _ORDER_KEY.match(line, position)
        if match is None:
            raise QueryError(
                f"query {query}: {line[position:].strip()!r} is not a sort key: expected "
                f"'column asc' or 'column desc', with 'nulls first' or 'nulls last' after it or not"
            )
        nulls: Any = match["nulls"]
        keys.append(SortKey(_column(match) or "", match["direction"] == "desc", nulls))
        position = match.end()
        if position == len(line) and not match[0].endswith(","):
            break
    return tuple(keys)


def _column(match: re.Match[str]) -> str | None:
    quoted: str | None = match["quoted"]
    return match["column"] if quoted is None else quoted.replace('""', '"')


def _allowance(query: str, line: str) -> Allowance:
    """Such as ``1e-3``, ``price 0.01 absolute``."""
    match = _TOLERANCE.fullmatch(line)
    try:
        number = float(match["number"]) if match is not None else math.nan
    except ValueError:
        number = math.nan
    if match is None or not 0 <= number < math.inf:
        raise QueryError(
            f"query {query}: {line!r} is not a tolerance: expected 'NUMBER' or 'column NUMBER', "
            f"such as 1e-3, with 'absolute' after it or not"
        )
    measure = {match["measure"] or "relative": number}
    return Allowance(Tolerance(**measure), _column(match))


def _limit(query: str, value: str) -> tuple[int, int]:
    """Such as ``10`` and ``10 offset 20``."""
    match = _LIMIT.fullmatch(value.strip())
    if match is None:
        raise QueryError(
            f"query {query}: limit is {value!r}: expected a number of rows, with 'offset NUMBER' "
            f"after it or not"
        )
    return int(match["limit"]), int(match["offset"] or 0)
