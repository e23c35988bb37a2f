"""Whether a text is a query: one statement, which asks and changes nothing.

The queries of a workload share a session, and come in any order: what one of them drops, sets or
defines in another's place would make the others fail, or answer something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from neuralake.errors import QueryError
from neuralake.queries.sql import tokens

# As the statements of our engines begin, that have an answer and no effect
_ASKING = {"select", "with", "values", "from", "table", "pivot", "unpivot"} | {
    *("explain", "describe", "desc", "show", "summarize"),
}
# What may follow EXPLAIN or a WITH, and does have one
_CHANGING = {"insert", "update", "delete", "merge", "truncate", "replace"} | {
    *("create", "drop", "alter", "copy", "attach", "detach"),
}


def require_query(name: str, sql: str) -> None:
    """Refuse a text that is several statements, or one that does something.

    Parameters
    ----------
    name
        Of the query, for the message; empty of one that is alone.
    sql
        Its text, with its comments.

    Raises
    ------
    QueryError
        With the statement's first word.
    """
    query = f"query {name}" if name else "the query"
    parts = list(_parts(sql))
    statements = [statement for statement in _statements(parts) if statement]
    if len(statements) > 1:
        raise QueryError(
            f"{query} has {len(statements)} statements: expected one, which is a query"
        )
    words = [part for part in parts if part != "("]
    first = words[0] if words else ""
    if first and first not in _ASKING:
        raise QueryError(f"{query} begins with {first.upper()}: expected a query, such as SELECT")
    done = {"explain": _explained, "with": _after_tables}.get(first, lambda _: "")(parts)
    if done in _CHANGING:
        raise QueryError(f"{query} has {done.upper()}: expected a query, such as SELECT")


def _parts(sql: str) -> Iterator[str]:
    """Words in lower case, and signs; of strings and quoted names the quote."""
    for token in tokens(sql):
        if token.kind == "comment" or token.text.isspace():
            continue
        yield token.text.lower() if token.kind == "other" else token.text[0]


def _statements(parts: list[str]) -> Iterator[list[str]]:
    statement: list[str] = []
    for part in parts:
        if part == ";":
            yield statement
            statement = []
        else:
            statement.append(part)
    yield statement


def _explained(parts: list[str]) -> str:
    """What an EXPLAIN begins to tell of, past its options."""
    return next((part for part in parts[1:] if part in _ASKING | _CHANGING), "")


def _after_tables(parts: list[str]) -> str:
    """What follows the tables that a WITH defines: the word behind the last bracket of theirs."""
    depth = 0
    for before, part in pairwise(parts):
        depth += (before == "(") - (before == ")")
        if depth == 0 and before == ")" and part in _ASKING | _CHANGING:
            return part
    return ""
