"""What is in an SQL text: comments, strings, names and placeholders, and the tables it reads.

Everything that looks into SQL text looks through :func:`tokens`, so that a quote in a comment or a
comment mark in a string is the same to all of it. The rules are those that the engines share (SQL:
2016 part 2, 5.3, with what PostgreSQL's and Spark's scanners add); the text itself is never
rewritten: tokens joined are the text, byte for byte.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlglot import exp

Kind = Literal["comment", "string", "dollar string", "quoted name", "placeholder", "other"]

# What may hold a quote or a colon that means something else, longest first; an unfinished one
# reaches to the end, as it does for the engines, which then say so. A word is taken whole, so that
# only an E of its own begins a string with backslashes.
_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\r\n]* | /\* )
  | (?P<string> [eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z) | '(?:[^']|'')*(?:'|\Z) )
  | (?P<dollar_string> (?P<tag>\$(?:[^\W\d]\w*)?\$) .*? (?:(?P=tag)|\Z) )
  | (?P<quoted_name> "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) )
  | (?P<placeholder> :[^\W\d]\w* )
  | (?P<other> :+ | [\w$]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PLACEHOLDER = re.compile(r":([^\W\d]\w*)")
# Dialects of which one at least reads what an engine of ours reads.
_DIALECTS = ("duckdb", "spark")
# Table functions of DuckDB that read tables named in a string.
_INDIRECT = ("query", "query_table")


@dataclass(frozen=True)
class Token:
    """A piece of SQL text."""

    kind: Kind
    text: str


def tokens(sql: str) -> Iterator[Token]:
    """Cut a text into comments, strings, quoted names, placeholders (``:name``) and the rest.

    Block comments nest; a string doubles its quotes, and has backslash escapes only as ``E'…'``.

    Parameters
    ----------
    sql
        Any text.

    Yields
    ------
    Token
        In order; their texts joined are ``sql``.
    """
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        assert match is not None  # noqa: S101 (the last alternative takes any character)
        kind, end = match.lastgroup or "other", match.end()
        if match[0] == "/*":
            end = _end_of_comment(sql, end)
        elif match["dollar_string"] is not None:
            kind = "dollar_string"  # and not the tag within
        yield Token(kind.replace("_", " "), sql[position:end])  # type: ignore[arg-type]
        position = end


def _end_of_comment(sql: str, position: int) -> int:
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, position):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def substitute(
    sql: str, literal: Callable[[str], str | None], raw: Callable[[str], str | None]
) -> str:
    """Put values in the place of placeholders; nothing else of the text changes.

    Parameters
    ----------
    sql
        Text with ``:name`` in it.
    literal
        The SQL of a value by its name, for a placeholder outside of quotes; None leaves it.
    raw
        The value by its name, for one inside a string. Comments, quoted names and dollar-quoted
        strings are left as they are.
    """
    return "".join(_substituted(token, literal, raw) for token in tokens(sql))


def _substituted(
    token: Token, literal: Callable[[str], str | None], raw: Callable[[str], str | None]
) -> str:
    if token.kind == "placeholder":
        value = literal(token.text[1:])
        return token.text if value is None else value
    if token.kind != "string":
        return token.text

    def within(match: re.Match[str]) -> str:
        value = raw(match[1])
        if value is None:
            return match[0]
        if not token.text.startswith("'"):
            value = value.replace("\\", "\\\\")
        return value.replace("'", "''")

    return _PLACEHOLDER.sub(within, token.text)


def table_names(sql: str) -> frozenset[str] | None:
    """The tables that a text reads, as far as it says so.

    Parameters
    ----------
    sql
        One statement or several, in any engine's dialect.

    Returns
    -------
    frozenset of str or None
        Names without catalog and schema, in lower case unless they are quoted; names of common
        table expressions are none of them, where they hide a table. None if the text cannot be
        read: then it may use any table.
    """
    statements = _parsed(sql)
    return None if statements is None else _tables(statements)


def qualified_names(sql: str) -> list[tuple[str, str]]:
    """The tables that a text names with their database, ``shop.orders``, as far as it can be read.

    Returns
    -------
    list of (database, table)
        In their order, spelled as of :func:`table_names`.
    """
    from sqlglot import exp

    return [
        (_name(table.args["db"]), _name(table.this))
        for statement in _parsed(sql) or []
        for table in statement.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and table.args.get("db") is not None
    ]


def output_names(sql: str) -> tuple[str, ...] | None:
    """Names of the columns that a query returns, in order.

    Parameters
    ----------
    sql
        One statement.

    Returns
    -------
    tuple of str or None
        None if the text alone does not say them all: it cannot be read, has a ``*``, or a column
        without a name, which each engine calls what it likes.
    """
    from sqlglot import exp

    statements = _parsed(sql) or []
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return None
    columns = statements[0].selects
    if not columns or any(column.is_star or not column.output_name for column in columns):
        return None
    return tuple(column.output_name for column in columns)


def _parsed(sql: str) -> list[exp.Expr] | None:
    """Its statements, by the first dialect that can read them; None if none can."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    plain = _plain(sql)
    for dialect in _DIALECTS:
        try:
            with _quiet():
                return [s for s in sqlglot.parse(plain, dialect=dialect) if s is not None]
        except (SqlglotError, RecursionError):
            continue
    return None


def tables_read(sql: str, tables: Iterable[str]) -> frozenset[str]:
    """Those of some tables that a text reads; a text that nobody can read may read any it names.

    Parameters
    ----------
    sql
        As of :func:`table_names`.
    tables
        Names of a catalog, which are in lower case.
    """
    found = table_names(sql)
    if found is None:
        words = {word.lower() for word in re.findall(r"\w+", sql)}
        return frozenset(tables) & words
    return frozenset(tables) & {name.lower() for name in found}


def _plain(sql: str) -> str:
    """The text without comments, its strings and quoted names in the one form all scanners know."""

    def plain(token: Token) -> str:
        if token.kind == "comment":
            return " "
        if token.kind in ("string", "dollar string"):
            start = " " if token.text[0] in "eE$" else ""
            return f"{start}'{re.sub(r'[^A-Za-z0-9 .:-]', '_', token.text.strip(chr(39)))}'"
        if token.kind == "quoted name" and token.text[0] == "`":
            return '"' + token.text.strip("`").replace("``", "`").replace('"', '""') + '"'
        return token.text

    return "".join(map(plain, tokens(sql)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without sqlglot's warnings, in this thread, about what it cannot read: that is the result."""
    logger, here = logging.getLogger("sqlglot"), threading.get_ident()

    def is_elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger.addFilter(is_elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(is_elsewhere)


def _tables(statements: Iterable[exp.Expr]) -> frozenset[str] | None:
    from sqlglot import exp

    readable = (exp.Query, exp.Values, exp.Pivot, exp.Describe, exp.Summarize)
    found: set[str] = set()
    for statement in statements:
        if not isinstance(statement, readable):
            return None
        for table in statement.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier):
                if table.db or not _is_common_table_expression(table):
                    found.add(_name(table.this))
            elif isinstance(table.this, exp.Func) and table.this.name.lower() in _INDIRECT:
                return None
    return frozenset(found)


def _name(identifier: exp.Identifier) -> str:
    return identifier.name if identifier.quoted else identifier.name.lower()


def _is_common_table_expression(table: exp.Table) -> bool:
    """Whether a WITH around it defines the name: before it, or, if recursive, at its place."""
    from sqlglot import exp

    below: exp.Expr = table
    above = table.parent
    while above is not None:
        if isinstance(above, exp.With):
            visible = above.expressions
            index = next(i for i, cte in enumerate(visible) if cte is below)
            visible = visible[: index + 1] if above.recursive else visible[:index]
        else:
            clause = above.args.get("with_")
            visible = clause.expressions if clause is not None and clause is not below else []
        for cte in visible:
            alias = cte.args["alias"].this
            if alias is not None and _name(alias) == _name(table.this):
                return True
        below, above = above, above.parent
    return False
