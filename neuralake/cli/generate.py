"""Make a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from neuralake.cli.context import print_json, read_settings
from neuralake.cli.leaving import OwnProcess
from neuralake.cli.options import json_option
from neuralake.cli.types import Location, Number, Whole

if TYPE_CHECKING:
    from neuralake.tpch.spread import Hands


@click.command()
@click.option(
    "--scale-factor",
    "-s",
    type=Number(),
    default=1.0,
    show_default=True,
    metavar="S",
    help="TPC-H scale factor, 0.001 to 100000.",
)
@click.option(
    "--to",
    "destination",
    type=Location(),
    metavar="URI",
    help="Directory or s3:// place of the dataset.",
)
@click.option(
    "--row-group-bytes",
    type=Whole(1, 10**9),
    default=7 * 2**20,
    show_default=True,
    metavar="BYTES",
    help="Size of a row group before compression.",
)
@click.option(
    "--compression",
    default="SNAPPY",
    show_default=True,
    metavar="CODEC",
    help="Such as SNAPPY or ZSTD(1).",
)
@click.option(
    "--files-per-table",
    type=Whole(1, 10**9),
    metavar="N",
    help="Data files of each table.  [default: 1 for each 10 of the scale factor]",
)
@click.option("--verify", is_flag=True, help="Check the checksums of a dataset that exists.")
@click.option(
    "--on",
    "master",
    metavar="MASTER",
    help="Have Spark's executors make it: spark://HOST:PORT or sc://HOST:PORT.  [this machine]",
)
@click.option(
    "--engine",
    "engine_options",
    multiple=True,
    metavar="spark:KEY=VALUE",
    help="A setting of Spark, with --on.",
)
@json_option
def generate(
    scale_factor: float,
    destination: str | None,
    row_group_bytes: int,
    compression: str,
    files_per_table: int | None,
    verify: bool,
    master: str | None,
    engine_options: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a TPC-H dataset: eight Delta tables, whole or not at all.

    A dataset that is already there is left as it is.
    """
    from neuralake.config import absolute_uri, is_remote
    from neuralake.pandas_on_demand import leave_numpy_out
    from neuralake.tpch.dataset import dataset_uri
    from neuralake.tpch.generate import generate as make
    from neuralake.tpch.layout import Layout
    from neuralake.tpch.progress import generation_progress

    settings = read_settings()
    uri = absolute_uri(destination) if destination else dataset_uri(settings, scale_factor)
    layout = Layout(
        row_group_bytes=row_group_bytes, compression=compression, files_per_table=files_per_table
    )
    process = click.get_current_context().find_object(OwnProcess)
    if process is not None and master is None and not is_remote(uri):
        leave_numpy_out()
        process.is_plain = True
    with generation_progress() as progress, _hands(master, engine_options) as hands:
        manifest = make(
            scale_factor,
            uri,
            storage_options=settings.storage_options(uri),
            layout=layout,
            verify=verify,
            progress=progress,
            hands=hands,
        )
    if as_json:
        print_json(manifest)
    else:
        click.echo(uri)


@contextmanager
def _hands(master: str | None, options: tuple[str, ...]) -> Iterator[Hands | None]:
    """Those of Spark's executors, where a master is named; None is this machine."""
    if master is None:
        if options:
            raise click.UsageError("--engine has an effect with --on only")
        yield None
        return
    from neuralake.engines.registry import EngineSpec, parse_options, parse_specs, require
    from neuralake.engines.spark.tasks import spark_tasks

    (spec,) = parse_specs(["spark"], [f"spark:master={master}", *options])
    # no table is read: Delta's jars need not be had
    spec = EngineSpec(spec.name, {"delta_reader": "snapshot-files", **spec.options})
    require(spec)
    with spark_tasks(parse_options(spec)) as hands:
        yield hands
