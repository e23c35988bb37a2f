"""Which engines and tables there are."""

from __future__ import annotations

import click

from neuralake.cli.context import load_tables, make_console, print_json
from neuralake.cli.export import export
from neuralake.cli.options import catalog_option, dataset_option, json_option, scale_factor_option
from neuralake.cli.site import export_json, site


@click.command()
@json_option
def engines(as_json: bool) -> None:
    """List the engines, their versions and options, and why one cannot run here."""
    from neuralake.engines.registry import describe_engines
    from neuralake.measure.hardware import why_not_counted
    from neuralake.report.listings import print_engines

    found = describe_engines()
    if as_json:
        print_json(found)
    else:
        print_engines(found, make_console(), why_not_counted())


@click.group()
def catalog() -> None:
    """Which tables there are."""


@catalog.command("list")
@catalog_option
@scale_factor_option
@dataset_option
@json_option
def catalog_list(
    source: str | None, scale_factor: float | None, dataset: str | None, as_json: bool
) -> None:
    """List the tables: of your catalog, or TPC-H's."""
    from neuralake.catalog.describe import list_tables
    from neuralake.report.listings import print_tables

    found = list_tables(load_tables(source, scale_factor, dataset))
    if as_json:
        print_json(found)
    else:
        print_tables(found, make_console())


@catalog.command("show")
@click.argument("table")
@catalog_option
@scale_factor_option
@dataset_option
@json_option
def catalog_show(
    table: str, source: str | None, scale_factor: float | None, dataset: str | None, as_json: bool
) -> int:
    """Show a table's columns, keys and descriptions.

    Exit status 1 says that the table cannot be used as it is declared.
    """
    from neuralake.catalog.describe import describe_table
    from neuralake.report.listings import print_table_details

    found = describe_table(load_tables(source, scale_factor, dataset), table)
    if as_json:
        print_json(found)
    else:
        print_table_details(found, make_console())
    return 0 if found.problem is None else 1


@catalog.command("check")
@click.argument("tables", nargs=-1, metavar="[TABLE]…")
@catalog_option
@scale_factor_option
@dataset_option
@json_option
def catalog_check(
    tables: tuple[str, ...],
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    as_json: bool,
) -> int:
    """Check declarations, keys, and the freshness that is promised.

    Exit status 1 says that a table is not what its declaration says, that a key or a successor
    leads nowhere, or that a promise is broken.
    """
    from datetime import UTC, datetime

    from neuralake.catalog.promises import check_catalog, failed
    from neuralake.report.listings import print_findings

    found = check_catalog(load_tables(source, scale_factor, dataset), datetime.now(UTC), tables)
    if as_json:
        print_json(found)
    else:
        print_findings(found, make_console())
    return 1 if failed(found) else 0


export.add_command(export_json)
catalog.add_command(export)
catalog.add_command(site)
