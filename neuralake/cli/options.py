"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

scale_factor_option = click.option(
    "--scale-factor",
    "-s",
    type=float,
    default=None,
    metavar="S",
    help="TPC-H scale factor, 0.001 to 100000; 1 is about 1 GB of raw data.",
)
dataset_option = click.option(
    "--dataset", metavar="URI", help="A dataset made by generate, in place of --scale-factor."
)
workload_option = click.option(
    "--workload", "own", metavar="DIR", help="Your own SQL files, in place of TPC-H."
)
workload_catalog_option = click.option(
    "--catalog", "source", metavar="FILE|MODULE", help="Your tables.  [default: DIR/catalog.py]"
)
queries_option = click.option(
    "--queries", metavar="1,6,9-12", help="Numbers or names of queries.  [default: all]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def names_in(text: str) -> list[str]:
    """The names in a list such as ``a,b``."""
    return [name.strip() for name in text.split(",")]


def quantity(parser: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that reads an option with a function of :mod:`neuralake.quantities`."""

    def parse(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        from neuralake import quantities

        try:
            return None if text is None else getattr(quantities, parser)(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, parameter) from None

    return parse


catalog_option = click.option(
    "--catalog", "source", metavar="FILE|MODULE", help="Python file or module with your tables."
)
