"""How a table is read, to be copied: each snippet is complete, and runs as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from neuralake.catalog.about import about_of, condition
from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.filters import Filter
from neuralake.catalog.tables import Table
from neuralake.identifiers import quoted
from neuralake.queries.sql import table_names
from neuralake.site.facts import Snippet

_ROWS = 10
# Names that mean one column to every engine without quotes, which are not the same to all
_PLAIN = re.compile("[a-z_][a-z0-9_]*")
_PARTS = ("contains", "starts_with", "ends_with", "includes", "includes_any", "includes_all")
HTTP, FLIGHT_SQL = "http://127.0.0.1:8080", "grpc://127.0.0.1:8081"
_ENGINES = (("DataFusion", "datafusion"), ("Spark", "spark"), ("DuckDB", "duckdb"))


@dataclass(frozen=True)
class Opening:
    """How the catalog is opened.

    Attributes
    ----------
    python
        Arguments of ``open_catalog``.
    http, flight_sql
        Addresses of the server.
    """

    python: str
    http: str = HTTP
    flight_sql: str = FLIGHT_SQL


def snippet_maker(
    catalog: Catalog, opening: Opening
) -> Callable[[Database, Table], tuple[Snippet, ...]]:
    """What makes the snippets of each table of a catalog.

    SQL names tables without their database: where two databases have a table of one name, there is
    no SQL for it.
    """
    names = [table.name for _, table in catalog.each_table()]
    has_sql = len(set(names)) == len(names)

    def make(database: Database, table: Table) -> tuple[Snippet, ...]:
        polars = Snippet("Polars", "python", _polars(opening, database, table))
        return (polars, *(_by_sql(opening, table) if has_sql else ()))

    return make


def _polars(opening: Opening, database: Database, table: Table) -> str:
    filters = [f for f in about_of(table).example_filters if isinstance(f, Filter)]
    calls = [_filter_call(example) for example in filters]
    text = "".join(calls)
    lines = ["import datetime"] if "datetime." in text else []
    lines += ["from decimal import Decimal"] if "Decimal(" in text else []
    lines += ["from neuralake import open_catalog"]
    lines += ["from neuralake.catalog import Filter"] if calls else []
    chosen = f"[{', '.join(calls)}]" if calls else ""
    return "\n".join(
        (
            *lines,
            "",
            f"catalog = open_catalog({opening.python})",
            f'rows = catalog.table("{database.name}.{table.name}").lazy({chosen})',
            f"print(rows.head({_ROWS}).collect())",
        )
    )


def _by_sql(opening: Opening, table: Table) -> tuple[Snippet, ...]:
    sql = _select(table)
    engines = (
        Snippet(
            name,
            "python",
            "from neuralake import open_catalog\n\n"
            f"catalog = open_catalog({opening.python})\n"
            f"print(catalog.sql({sql!r}, engine={engine!r}))",
        )
        for name, engine in _ENGINES
    )
    url = shlex.quote(f"{opening.http}/api/sql")
    adbc = (
        "import adbc_driver_flightsql.dbapi as adbc\n\n"
        f"with adbc.connect({opening.flight_sql!r}, autocommit=True) as connection:\n"
        "    with connection.cursor() as cursor:\n"
        f"        cursor.execute({sql!r})\n"
        "        print(cursor.fetch_arrow_table())"
    )
    return (
        *engines,
        Snippet("SQL", "sql", sql),
        Snippet("curl", "shell", f"curl --silent --data {shlex.quote(sql)} {url}"),
        Snippet("ADBC", "python", adbc),
    )


def _select(table: Table) -> str:
    filters = [f for f in about_of(table).example_filters if isinstance(f, Filter)]
    plain = [f for f in filters if _PLAIN.fullmatch(f.column) and f.operator not in _PARTS]
    # With the table's name before it a column may be called like a keyword: "at" of DuckDB's
    read = table_names(f"SELECT * FROM {table.name}")  # noqa: S608 (not run)
    # One that is called like a word of SQL itself: order
    name = quoted(table.name) if read != frozenset({table.name}) else table.name
    simple = [f"{name}.{condition(f)}" for f in plain]
    where = f" WHERE {' AND '.join(simple)}" if simple else ""
    return f"SELECT * FROM {name}{where} LIMIT {_ROWS}"  # noqa: S608 (shown, not run)


def _filter_call(example: Filter) -> str:
    value = "" if example.value is None else f", {_literal(example.value)}"
    return f"Filter({example.column!r}, {example.operator!r}{value})"


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, Decimal):
        return f"Decimal({str(value)!r})"
    return repr(value)
