"""Which tables a statement may name, told by its words alone.

Names in a catalog are lower-case identifiers, so that each stands in a statement as a word, quoted
or not, in any case. A word that means something else costs a look at a table, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def named_tables(sql: str, tables: Iterable[str]) -> list[str]:
    """Tables whose names are among the words of a statement, in the order of the tables."""
    words = {word.lower() for word in _WORD.findall(sql)}
    return [name for name in tables if name in words]
