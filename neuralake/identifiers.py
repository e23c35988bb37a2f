"""Names of tables and columns as SQL takes them, whatever characters they have."""

from __future__ import annotations

from collections.abc import Iterable


def quoted(name: str) -> str:
    """In double quotes, as the standard has it."""
    return '"' + name.replace('"', '""') + '"'


def backticked(name: str) -> str:
    """In backticks, as Spark and Sail take it."""
    return f"`{name.replace('`', '``')}`"


def case_twins(names: Iterable[str]) -> tuple[str, str] | None:
    """The first name that differs by case only from one before it, after that one; or None."""
    spelled: dict[str, str] = {}
    for name in names:
        if (twin := spelled.setdefault(name.lower(), name)) != name:
            return twin, name
    return None
