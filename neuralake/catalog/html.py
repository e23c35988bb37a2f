"""How a notebook shows tables, databases and catalogs: what is declared, as tables of HTML.

Nothing is read for it. No storage option is shown, and every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Protocol

from neuralake.catalog.columns import Column
from neuralake.catalog.declaration import Declared, references_of

_LEFT = ' style="text-align:left;vertical-align:top"'


class Holder(Protocol):
    """A database, as far as it is shown."""

    @property
    def name(self) -> str:
        """Name in SQL."""

    @property
    def description(self) -> str:
        """What its tables are about."""

    @property
    def tables(self) -> Sequence[Declared]:
        """Its tables."""


def grid(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of HTML of texts that are not HTML yet; None is an empty cell.

    Parameters
    ----------
    header
        Of each column.
    rows
        Of as many cells each.
    """
    head = "".join(f"<th{_LEFT}>{_text(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td{_LEFT}>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def table_html(table: Declared) -> str:
    """A table: its columns with their types and keys."""
    place = getattr(table, "uri", None)  # without what reaches it
    facts = [table.format, str(place) if isinstance(place, str) else ""]
    title = _title(table.name, table.description, " · ".join(filter(None, facts)))
    if not table.columns:
        return f"<div>{title}<p>Its columns are not declared: arrow_schema() tells them.</p></div>"
    rows = [
        (column.name, column.type, _key(table, column), column.description)
        for column in table.columns
    ]
    return f"<div>{title}{grid(('column', 'type', 'key', 'description'), rows)}</div>"


def database_html(database: Holder) -> str:
    """A database: a row a table."""
    rows = [
        (table.name, table.format, len(table.columns) or "open", table.description)
        for table in database.tables
    ]
    title = _title(database.name, database.description)
    return f"<div>{title}{grid(('table', 'format', 'columns', 'description'), rows)}</div>"


def catalog_html(databases: Iterable[Holder]) -> str:
    """A catalog: its databases, one below the other."""
    return f"<div>{''.join(map(database_html, databases))}</div>"


def _title(name: str, description: str, facts: str = "") -> str:
    told = f" {_text(description)}" if description else ""
    small = f"<br><small>{_text(facts)}</small>" if facts else ""
    return f"<p><b>{_text(name)}</b>{told}{small}</p>"


def _key(table: Declared, column: Column) -> str:
    """Which keys a column belongs to, and whether it must have a value."""
    found = ["primary key"] if column.name in table.primary_key else []
    found += [f"→ {referenced}" for referenced in references_of(table, column.name)]
    return ", ".join(found if column.nullable else [*found, "not null"])


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))
