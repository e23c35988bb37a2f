"""Lists in the terminal: engines, tables, runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralake.catalog.describe import TableDetails, TableSummary, facts
from neuralake.engines.registry import EngineInfo
from neuralake.report.text import one_line
from neuralake.results.store import RunOverview


def print_engines(engines: Sequence[EngineInfo], console: Console) -> None:
    """One row an engine: whether it can run, its versions or what it lacks, and its options."""
    table = _table("engine", "available", "versions, or what is missing", "options")
    for engine in engines:
        versions = ", ".join(f"{name} {number}" for name, number in engine.versions.items())
        options = ", ".join(f"{key}={value}" for key, value in engine.options.items())
        state = "yes" if engine.available else "no"
        _add(table, engine.name, state, versions if engine.available else engine.reason, options)
    console.print(table)


def print_tables(tables: Sequence[TableSummary], console: Console) -> None:
    """One row a table."""
    listing = _table("table", "format", "columns", "description", "location")
    for table in tables:
        columns = str(table.columns) if table.columns else "open"
        name = f"{table.database}.{table.name}"
        _add(listing, name, table.format, columns, table.description, table.location)
    console.print(listing)


def print_table_details(details: TableDetails, console: Console) -> None:
    """What a table is, then a row a column."""
    for label, value in facts(details):
        console.print(Text(f"{label}: {one_line(value)}"), soft_wrap=True)
    table = _table("column", "type", "null", "key", "description")
    for column in details.columns:
        keys = ["primary"] if column.is_primary_key else []
        keys += [f"→ {reference}" for reference in column.references]
        null = "yes" if column.nullable else "no"
        _add(table, column.name, column.type, null, ", ".join(keys), column.description)
    console.print(table)


def print_runs(runs: Sequence[RunOverview], console: Console) -> None:
    """One row a run, oldest first."""
    table = _table("run", "workload", "scale", "engines", "samples", "verified", "state")
    for run in runs:
        scale = "" if run.scale_factor is None else f"{run.scale_factor:g}"
        verified = f"{run.verified}/{run.judged}"
        engines = ", ".join(run.engines)
        _add(table, run.id, run.workload, scale, engines, str(run.samples), verified, run.state)
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: Table, *values: str | None) -> None:
    table.add_row(*[Text(one_line(value or "")) for value in values])
