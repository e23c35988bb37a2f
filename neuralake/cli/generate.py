"""Make a dataset."""

from __future__ import annotations

import click

from neuralake.cli.context import print_json, read_settings
from neuralake.cli.options import json_option
from neuralake.cli.types import Location, Number, Whole


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
@json_option
def generate(
    scale_factor: float,
    destination: str | None,
    row_group_bytes: int,
    compression: str,
    files_per_table: int | None,
    verify: bool,
    as_json: bool,
) -> None:
    """Make a TPC-H dataset: eight Delta tables, whole or not at all.

    A dataset that is already there is left as it is.
    """
    from neuralake.config import absolute_uri
    from neuralake.tpch.dataset import dataset_uri
    from neuralake.tpch.generate import generate as make
    from neuralake.tpch.layout import Layout
    from neuralake.tpch.progress import generation_progress

    settings = read_settings()
    uri = absolute_uri(destination) if destination else dataset_uri(settings, scale_factor)
    layout = Layout(
        row_group_bytes=row_group_bytes, compression=compression, files_per_table=files_per_table
    )
    with generation_progress() as progress:
        manifest = make(
            scale_factor,
            uri,
            storage_options=settings.storage_options(uri),
            layout=layout,
            verify=verify,
            progress=progress,
        )
    if as_json:
        print_json(manifest)
    else:
        click.echo(uri)
