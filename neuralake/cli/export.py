"""Write a catalog for another program."""

from __future__ import annotations

from pathlib import Path

import click

from neuralake.cli.context import load_tables, read_settings
from neuralake.cli.options import catalog_option, dataset_option, quantity, scale_factor_option
from neuralake.cli.types import Place, Text

freshness_option = click.option(
    "--freshness",
    type=click.Choice(["memory", "files", "reload"]),
    default="memory",
    show_default=True,
    help=(
        "What ROAPI keeps: all rows in memory, or the names of files, both as at its start; or "
        "reload, which looks for commits (seen after 1.4 s at the median)."
    ),
)
reload_option = click.option(
    "--reload-every",
    callback=quantity("parse_duration"),
    default="1s",
    show_default=True,
    metavar="DURATION",
    help="How often reload looks for commits, in whole seconds.",
)


@click.group()
def export() -> None:
    """Write the tables for another program."""


@export.command("roapi")
@catalog_option
@scale_factor_option
@dataset_option
@click.option(
    "--table",
    "names",
    type=Text(),
    multiple=True,
    metavar="NAME",
    help="A table to export; may be given again.  [default: all]",
)
@freshness_option
@reload_option
@click.option(
    "--listen",
    type=Text(),
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT",
    help="Where ROAPI's HTTP listens; it asks nobody for a token.",
)
@click.option(
    "--to", "place", type=Place(), metavar="FILE", help="Where to.  [default: standard output]"
)
def export_roapi(
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    names: tuple[str, ...],
    freshness: str,
    reload_every: float,
    listen: str,
    place: Path | None,
) -> None:
    """Write ROAPI's configuration, of tables that it serves rightly.

    A table that ROAPI cannot read, or answers wrongly of, is refused by its name. No credential is
    written: ROAPI finds them in its environment (AWS_…).
    """
    from neuralake.serving.roapi.configuration import (
        RoapiOptions,
        chosen_tables,
        roapi_configuration,
        write_configuration,
    )
    from neuralake.serving.roapi.refusals import Freshness
    from neuralake.sources.address import Address

    catalog = load_tables(source, scale_factor, dataset)
    options = RoapiOptions(
        Freshness(freshness), whole_seconds(reload_every), str(Address.parse(listen))
    )
    text = roapi_configuration(chosen_tables(catalog, names), read_settings(), options)
    if place is None:
        click.echo(text, nl=False)
    else:
        write_configuration(text, place)


def whole_seconds(duration_s: float) -> int:
    """The seconds of ``--reload-every``.

    Raises
    ------
    click.UsageError
        If they are not whole.
    """
    if duration_s != int(duration_s):
        raise click.UsageError(f"--reload-every is {duration_s:g} s: expected whole seconds")
    return int(duration_s)
