"""What streams of TPC-H are made of: orders of the queries, parameters, and refresh sets."""

from __future__ import annotations

import click

from neuralake.cli.context import print_json, read_settings
from neuralake.cli.options import dataset_option, json_option, scale_factor_option
from neuralake.cli.types import Location, Number, Text, Whole

_stream_option = click.option(
    "--stream",
    type=Whole(),
    required=True,
    metavar="S",
    help="0 for the power stream, or a throughput stream's number, 1 to 40.",
)


@click.group()
def tpch() -> None:
    """What streams of TPC-H are made of."""


@tpch.command()
@click.option(
    "--seed", type=Whole(), required=True, metavar="N", help="A whole number from 1, as qgen's -r."
)
@_stream_option
@click.option(
    "--scale-factor",
    "-s",
    type=Number(),
    default=1.0,
    show_default=True,
    metavar="SF",
    help="TPC-H scale factor, on which Q11's fraction depends.",
)
@json_option
def params(seed: int, stream: int, scale_factor: float, as_json: bool) -> None:
    """Print the queries' parameters, as TPC's qgen draws them.

    The queries come in the stream's order. In a run each stream has a seed of its own: the run's
    seed + the number of the stream.
    """
    from neuralake.tpch.parameters import parameters

    drawn = parameters(seed, stream, scale_factor)
    if as_json:
        print_json({query.query: dict(query.values) for query in drawn})
        return
    for query in drawn:
        click.echo(query.query + "".join(f"\t{name}={v}" for name, v in query.values.items()))


@tpch.command()
@_stream_option
@json_option
def ordering(stream: int, as_json: bool) -> None:
    """Print the order in which a stream runs the queries (TPC-H appendix A)."""
    from neuralake.tpch.streams import ordering as order_of

    names = order_of(stream)
    if as_json:
        print_json(names)
    else:
        click.echo(" ".join(names))


@tpch.command()
@click.option(
    "--set",
    "sets",
    type=Text(),
    required=True,
    metavar="U[,V-W]",
    help="Numbers of refresh sets, 1 to 999, each once.",
)
@click.option(
    "--to",
    "destination",
    type=Location(),
    required=True,
    metavar="DIR",
    help="Directory of the sets, absent or empty.",
)
@scale_factor_option
@dataset_option
@json_option
def refresh(
    sets: str,
    destination: str,
    scale_factor: float | None,
    dataset: str | None,
    as_json: bool,
) -> None:
    """Stage refresh sets as Parquet files: what RF1 inserts, and the keys that RF2 deletes.

    The dataset is read and not changed. Sets that are already there are left as they are.
    """
    from neuralake.cli.context import check_workload_options
    from neuralake.config import absolute_uri
    from neuralake.tpch.dataset import dataset_uri
    from neuralake.tpch.refresh.keys import parse_sets
    from neuralake.tpch.refresh.stage import stage

    check_workload_options(None, None, scale_factor, dataset)
    numbers = parse_sets(sets)
    settings = read_settings()
    size = 1.0 if scale_factor is None else scale_factor
    uri = absolute_uri(dataset) if dataset else dataset_uri(settings, size)
    staged = stage(
        uri, numbers, absolute_uri(destination), storage_options=settings.storage_options(uri)
    )
    if as_json:
        print_json(staged)
    else:
        click.echo(absolute_uri(destination))
