"""What may follow in a query that is being typed: tables, their columns, engines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from neuralake.catalog.tables import Table
from neuralake.errors import NeuralakeError

# A call of one of these, and the text of the query so far: it ends where its quotes are closed
_CALL = re.compile(
    r"\b(?:sql|ask|explain)\(\s*(?:text\s*=\s*)?f?(?P<quote>\"\"\"|'''|\"|')"
    r"(?P<query>(?:(?!(?P=quote)).)*)\Z",
    re.DOTALL,
)
_ENGINE = re.compile(r"\bengine\s*=\s*[\"'](?P<begun>\w*)\Z")
_BEGUN = re.compile(r"[\w.]*\Z")
# FROM orders AS o, JOIN orders o
_ALIAS = r"\b(?:FROM|JOIN|,)\s*{table}\s+(?:AS\s+)?{alias}\b"


@dataclass
class Completion:
    """Completes what is typed.

    Attributes
    ----------
    tables
        All tables by their bare names, asked for whenever something is completed.
    engines
        Names of the engines.
    """

    tables: Callable[[], Mapping[str, Table]]
    engines: Callable[[], Sequence[str]]
    _columns: dict[tuple[str, str], list[str]] = field(default_factory=dict, init=False)

    def complete(self, typed: str) -> list[str] | None:
        """What may stand in place of the word that is begun, sorted; None outside of a query.

        Parameters
        ----------
        typed
            All that is before the cursor.
        """
        engine = _ENGINE.search(typed)
        if engine is not None:
            return [name for name in self.engines() if name.startswith(engine["begun"])]
        call = _CALL.search(typed)
        if call is None:
            return None
        query = call["query"]
        begun = _BEGUN.search(query)
        word = begun[0] if begun else ""
        tables = self.tables()
        owner, dot, rest = word.rpartition(".")
        if dot:
            table = tables.get(owner) or self._aliased(query, owner, tables)
            columns = [] if table is None else self._columns_of(table)
            return sorted(f"{owner}.{name}" for name in columns if name.startswith(rest))
        named = [t for name, t in tables.items() if re.search(rf"\b{name}\b", query, re.IGNORECASE)]
        columns = [name for table in named or tables.values() for name in self._columns_of(table)]
        return sorted({name for name in (*tables, *columns) if name.startswith(word)})

    def _aliased(self, query: str, alias: str, tables: Mapping[str, Table]) -> Table | None:
        for name, table in tables.items():
            pattern = _ALIAS.format(table=re.escape(name), alias=re.escape(alias))
            if re.search(pattern, query, re.IGNORECASE):
                return table
        return None

    def _columns_of(self, table: Table) -> list[str]:
        """Declared ones, or those of the log or the first file; no function is called for it."""
        if table.columns:
            return [column.name for column in table.columns]
        key = table.name, str(getattr(table, "uri", ""))
        if key not in self._columns:
            self._columns[key] = _found(table)
        return self._columns[key]


def _found(table: Table) -> list[str]:
    if table.format == "function":
        return []
    try:
        return list(table.arrow_schema().names)
    except (NeuralakeError, OSError, ValueError):
        return []
