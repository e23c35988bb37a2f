"""Explore a catalog in IPython."""

from __future__ import annotations

import click

from neuralake.cli.context import load_tables
from neuralake.cli.options import catalog_option, dataset_option, scale_factor_option
from neuralake.cli.types import Text


@click.command()
@catalog_option
@scale_factor_option
@dataset_option
@click.option(
    "--engine",
    type=Text(),
    default="polars",
    show_default=True,
    help="Engine that runs a query which names none.",
)
def shell(source: str | None, scale_factor: float | None, dataset: str | None, engine: str) -> None:
    """Explore tables in IPython: of your catalog, or TPC-H's.

    The catalog is at hand as catalog, queries run by sql("SELECT …", engine="duckdb"), and Tab
    completes tables, columns and engines.
    """
    from neuralake.engines.registry import EngineSpec, require

    require(EngineSpec(engine))
    found = load_tables(source, scale_factor, dataset)
    from neuralake.api.catalogs import OpenCatalog
    from neuralake.shell.start import run_shell

    run_shell(OpenCatalog(found, source), engine)
