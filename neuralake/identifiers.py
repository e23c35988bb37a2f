"""Names of tables and columns as SQL takes them, whatever characters they have."""

from __future__ import annotations


def quoted(name: str) -> str:
    """In double quotes, as the standard has it."""
    return '"' + name.replace('"', '""') + '"'


def backticked(name: str) -> str:
    """In backticks, as Spark and Sail take it."""
    return f"`{name.replace('`', '``')}`"
