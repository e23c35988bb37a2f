"""Placeholders of a statement: ``?`` as ADBC and JDBC write them, ``$1`` as DataFusion does."""

from __future__ import annotations

import re

import pyarrow as pa

# What is passed over: strings, quoted names, comments
_TOKENS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|(?P<mark>\?)|\$(?P<number>\d+)""",
    re.DOTALL,
)


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


def parameter_schema(sql: str) -> pa.Schema:
    """Parameters of a numbered statement, each a text: what it is compared with makes it more.

    A client that knows better sends values of other types, which are taken as they are.
    """
    numbers = {int(m["number"]) for m in _TOKENS.finditer(sql) if m["number"] is not None}
    return pa.schema([(f"${number}", pa.string()) for number in sorted(numbers)])
