"""Lists in the terminal: engines, tables, runs.

What the one knows of is not loaded for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from neuralake.catalog.describe import TableDetails, TableSummary, facts
from neuralake.catalog.promises import Finding, failed
from neuralake.report.rows import Column, print_rows
from neuralake.report.text import one_line

if TYPE_CHECKING:
    from neuralake.engines.registry import EngineInfo
    from neuralake.results.comparisons import ComparisonOverview
    from neuralake.results.kind import RunOverview


def print_engines(
    engines: Sequence[EngineInfo], console: Console, why_not_counted: str | None
) -> None:
    """One row an engine: whether it can run, its versions or what it lacks, and its options.

    Then one row each of what changes of tables it makes, and whether its sessions run at once; and
    whether runs here count instructions, or why they do not.
    """
    columns = (
        Column("engine", is_whole=True),
        Column("available"),
        Column("versions, or what is missing"),
        Column("options"),
    )
    rows = []
    for engine in engines:
        versions = ", ".join(f"{name} {number}" for name, number in engine.versions.items())
        options = ", ".join(f"{key}={value}" for key, value in engine.options.items())
        state = "yes" if engine.available else "no"
        rows.append(
            _row(engine.name, state, versions if engine.available else engine.reason, options)
        )
    print_rows(columns, rows, console)
    console.print()
    of_changes = (
        Column("engine", is_whole=True),
        Column("sessions at once"),
        Column("changes of Delta tables"),
    )
    print_rows(of_changes, [_changes(engine) for engine in engines], console)
    console.print()
    told = f"not counted: {why_not_counted}" if why_not_counted else "counted by the processor"
    console.print(Text(f"instructions of runs: {told}"), soft_wrap=True)


def _changes(engine: EngineInfo) -> list[Text]:
    made = [name for name, path in engine.writes.items() if path is not None]
    lacking = [name for name, path in engine.writes.items() if path is None]
    told = ", ".join(made) or "none"
    if made and lacking:
        told += f"; not {', '.join(lacking)}"
    return _row(engine.name, "yes" if engine.sessions_at_once else "no", told)


def print_tables(tables: Sequence[TableSummary], console: Console) -> None:
    """One row a table."""
    columns = (
        Column("table", is_whole=True),
        Column("format"),
        Column("columns", is_whole=True),
        Column("description"),
        Column("location"),
    )
    rows = []
    for table in tables:
        number = str(table.columns) if table.columns else "open"
        name = f"{table.database}.{table.name}"
        rows.append(_row(name, table.format, number, table.description, table.location))
    print_rows(columns, rows, console)


def print_table_details(details: TableDetails, console: Console) -> None:
    """What a table is, then a row a column."""
    for label, value in facts(details):
        console.print(Text(f"{label}: {one_line(value)}"), soft_wrap=True)
    columns = (
        Column("column", is_whole=True),
        Column("type", is_whole=True),
        Column("null"),
        Column("key"),
        Column("description"),
    )
    rows = []
    for column in details.columns:
        keys = ["primary"] if column.is_primary_key else []
        keys += [f"→ {reference}" for reference in column.references]
        null = "yes" if column.nullable else "no"
        computed = "" if column.expression is None else f"= {column.expression}"
        description = "; ".join(filter(None, (column.description, computed)))
        rows.append(_row(column.name, column.type, null, ", ".join(keys), description))
    print_rows(columns, rows, console)


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """A row a check of a table, then how many failed."""
    columns = (
        Column("table", is_whole=True),
        Column("check", is_whole=True),
        Column("outcome", is_whole=True),
        Column("detail"),
    )
    rows = [_row(f.table, f.subject, f.outcome, f.detail) for f in findings]
    print_rows(columns, rows, console)
    tables = len({finding.table for finding in findings})
    told = f"{len(failed(findings)):,} of {len(findings):,} checks of {tables:,} tables failed"
    console.print(Text(told), soft_wrap=True)


def print_runs(runs: Sequence[RunOverview], console: Console) -> None:
    """One row a run, oldest first."""
    columns = (
        Column("run", is_whole=True),
        Column("workload"),
        Column("scale", is_whole=True),
        Column("engines"),
        Column("samples", is_whole=True),
        Column("verified", is_whole=True),
        Column("state"),
    )
    rows = []
    for run in runs:
        scale = "" if run.scale_factor is None else f"{run.scale_factor:g}"
        verified = f"{run.verified}/{run.judged}"
        engines = ", ".join(run.engines)
        rows.append(
            _row(run.id, run.workload, scale, engines, str(run.samples), verified, run.state)
        )
    print_rows(columns, rows, console)


def print_comparisons(comparisons: Sequence[ComparisonOverview], console: Console) -> None:
    """One row a comparison, oldest first."""
    columns = (
        Column("comparison", is_whole=True),
        Column("workload"),
        Column("scale", is_whole=True),
        Column("engines"),
        Column("base"),
        Column("candidate"),
        Column("pairs", is_whole=True),
        Column("found"),
        Column("state"),
    )
    rows = []
    for one in comparisons:
        scale = "" if one.scale_factor is None else f"{one.scale_factor:g}"
        found = "no regression" if one.is_conclusive else "inconclusive"
        found = "regression" if one.regressed else found
        arms, pairs = (one.base, one.candidate), f"{one.pairs:,}"
        engines = ", ".join(one.engines)
        rows.append(_row(one.id, one.workload, scale, engines, *arms, pairs, found, one.state))
    print_rows(columns, rows, console)


def _row(*values: str | None) -> list[Text]:
    return [Text(one_line(value or "")) for value in values]
