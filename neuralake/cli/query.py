"""Run SQL on one engine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from neuralake.cli.context import load_tables, make_console, read_settings, tpch_workload
from neuralake.cli.options import catalog_option, dataset_option, scale_factor_option

if TYPE_CHECKING:
    from neuralake.catalog.tables import Table
    from neuralake.report.answer import Format


@click.command()
@click.argument("sql", required=False)
@click.option("--tpch", "number", type=click.IntRange(1, 22), help="A TPC-H query by its number.")
@click.option("--engine", default="polars", show_default=True, help="Engine that runs it.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A setting of it.")
@catalog_option
@scale_factor_option
@dataset_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
)
@click.option("--explain", is_flag=True, help="Print the engine's plan instead of running.")
def query(
    sql: str | None,
    number: int | None,
    engine: str,
    options: tuple[str, ...],
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    output_format: Format,
    explain: bool,
) -> None:
    """Run SQL on one engine, over a TPC-H dataset or the tables of your catalog."""
    from neuralake.engines.registry import parse_specs
    from neuralake.queries.workload import select_queries
    from neuralake.report.answer import print_answer, write_answer
    from neuralake.workloads.query import explain_query, run_query

    if (sql is None) == (number is None):
        raise click.UsageError("expected either SQL or --tpch N")
    settings = read_settings()
    (spec,) = parse_specs([engine], [f"{engine}:{option}" for option in options])
    tables: Mapping[str, Table]
    if source is not None:
        if number is not None:
            raise click.UsageError("--tpch goes without --catalog")
        tables = load_tables(source, scale_factor, dataset).tables()
    else:
        workload = tpch_workload(settings, scale_factor, dataset)
        tables = workload.tables
        if number is not None:
            (tpch_query,) = select_queries(workload.queries, str(number))
            sql = tpch_query.sql()
    text = sql or ""
    if explain:
        click.echo(explain_query(text, spec, tables))
        return
    result = run_query(text, spec, tables)
    if output_format == "table":
        print_answer(result, make_console())
    else:
        write_answer(result, output_format, sys.stdout.buffer)
