"""Run SQL on one engine."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from neuralake.cli.context import (
    check_workload_options,
    load_tables,
    make_console,
    read_settings,
)
from neuralake.cli.options import (
    catalog_option,
    dataset_option,
    format_to_write,
    scale_factor_option,
)
from neuralake.cli.types import Place, Whole

if TYPE_CHECKING:
    from neuralake.catalog.tables import Table

Format = Literal["table", "csv", "json", "parquet"]
_FILE_FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")


@click.command()
@click.argument("words", nargs=-1, metavar="[SQL]")
@click.option("--tpch", "number", type=Whole(1, 22), help="A TPC-H query by its number.")
@click.option("--engine", default="polars", show_default=True, help="Engine that runs it.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A setting of it.")
@catalog_option
@click.option("--database", metavar="NAME", help="Of the catalog, whose tables the SQL means.")
@scale_factor_option
@dataset_option
@click.option(
    "--version",
    "versions",
    multiple=True,
    metavar="[TABLE=]N",
    help="Version of a Delta table.  [default: its newest]",
)
@click.option(
    "--at",
    "times",
    multiple=True,
    metavar="[TABLE=]TIME",
    help="Newest versions committed by then, such as 2026-05-01T12:00:00Z.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", *_FILE_FORMATS]),
    help="[default: by the suffix of --to, else table]",
)
@click.option(
    "--to",
    "destination",
    type=Place(),
    metavar="FILE",
    help="File, in place of standard output.",
)
@click.option("--explain", is_flag=True, help="Print the engine's plan instead of running.")
def query(
    words: tuple[str, ...],
    number: int | None,
    engine: str,
    options: tuple[str, ...],
    source: str | None,
    database: str | None,
    scale_factor: float | None,
    dataset: str | None,
    versions: tuple[str, ...],
    times: tuple[str, ...],
    output_format: Format | None,
    destination: Path | None,
    explain: bool,
) -> None:
    """Run SQL on one engine, over a TPC-H dataset or the tables of your catalog."""
    from neuralake.engines.registry import parse_specs
    from neuralake.report.answer import print_answer, write_answer
    from neuralake.results.store import write_export
    from neuralake.workloads.query import at_versions, explain_query, run_query

    if bool(words) == (number is not None):
        raise click.UsageError("expected either SQL or --tpch N")
    if number is not None and source is not None:
        raise click.UsageError("--tpch goes without --catalog")
    if database is not None and source is None:
        raise click.UsageError("--database is one of a --catalog")
    sql = _sql(words) if words else ""
    chosen = format_to_write(output_format, destination, _FILE_FORMATS)
    (spec,) = parse_specs([engine], [f"{engine}:{_setting(option)}" for option in options])
    numbers = {t: _number(text) for t, text in _by_table(versions, "--version").items()}
    moments = _by_table(times, "--at")
    tables, sql = _tables(sql, number, source, database, scale_factor, dataset)
    if numbers or moments:
        tables = at_versions(sql, tables, numbers, moments)
    if explain:
        click.echo(explain_query(sql, spec, tables))
        return
    result = run_query(sql, spec, tables)
    if chosen is None or chosen == "table":
        print_answer(result, make_console())
    elif destination is None:
        write_answer(result, chosen, sys.stdout.buffer)
    else:
        content = io.BytesIO()
        write_answer(result, chosen, content)
        write_export(destination, content.getvalue())


def _tables(
    sql: str,
    number: int | None,
    source: str | None,
    database: str | None,
    scale_factor: float | None,
    dataset: str | None,
) -> tuple[Mapping[str, Table], str]:
    """The tables that the options name, and the SQL: that of a TPC-H query, or what was given."""
    from neuralake.queries.tables import tables_for
    from neuralake.queries.workload import select_queries
    from neuralake.workloads.opening import open_tpch

    if source is not None:
        return tables_for(load_tables(source, scale_factor, dataset), [sql], database), sql
    check_workload_options(None, None, scale_factor, dataset)
    workload = open_tpch(read_settings(), scale_factor, dataset)
    if number is not None:
        (tpch_query,) = select_queries(workload.queries, str(number))
        sql = tpch_query.sql()
    return workload.tables, sql


def _by_table(values: tuple[str, ...], option: str) -> dict[str | None, str]:
    """What an option says by the table that it names; under None what is said of no table."""
    found: dict[str | None, str] = {}
    for value in values:
        name, equals, text = value.rpartition("=")
        table = name if equals else None
        if table in found:
            raise click.BadParameter(
                f"{value!r}: said twice of {table or 'all tables'}", param_hint=f"'{option}'"
            )
        found[table] = text
    return found


def _number(text: str) -> int:
    from neuralake.quantities import whole_number

    if (number := whole_number(text)) is None:
        raise click.BadParameter(
            f"{text!r} is no version: expected a whole number from 0 on, or TABLE=N",
            param_hint="'--version'",
        )
    return number


def _setting(option: str) -> str:
    if "=" not in option:
        raise click.BadParameter(f"{option!r}: expected KEY=VALUE", param_hint="'--set'")
    return option


def _sql(words: tuple[str, ...]) -> str:
    """The one argument, unless it is plainly something else."""
    if len(words) > 1:
        raise click.UsageError(f"the SQL is in {len(words)} arguments: expected one, in quotes")
    (text,) = words
    if text.lower().endswith(".sql") and len(text.split()) == 1:
        raise click.UsageError(
            f'{text!r} is the name of a file: expected SQL, such as "$(cat {text})"'
        )
    return text
