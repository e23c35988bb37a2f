"""Serve a catalog's tables to other programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

import click

from neuralake.cli.context import load_tables
from neuralake.cli.export import freshness_option, reload_option, whole_seconds
from neuralake.cli.options import catalog_option, dataset_option, quantity, scale_factor_option
from neuralake.cli.types import Place, Text, Whole

Server = Literal["datafusion", "roapi"]


@click.command()
@catalog_option
@scale_factor_option
@dataset_option
@click.option(
    "--server",
    type=click.Choice(get_args(Server)),
    default="datafusion",
    show_default=True,
    help="What answers: our own, on DataFusion, or ROAPI under ours, on loopback only.",
)
@click.option(
    "--table",
    "names",
    type=Text(),
    multiple=True,
    metavar="NAME",
    help="A table to serve; may be given again.  [default: all]",
)
@click.option(
    "--listen",
    default="127.0.0.1:8080",
    show_default=True,
    type=Text(),
    metavar="HOST:PORT",
    help="Where HTTP is spoken; port 0 takes a free one.",
)
@click.option(
    "--flight-sql",
    type=Text(),
    metavar="HOST:PORT",
    help="Where Arrow Flight SQL is spoken, for ADBC and JDBC.  [default: nowhere]",
)
@click.option("--tls-certificate", type=Place(), metavar="FILE", help="Certificate in PEM.")
@click.option("--tls-key", type=Place(), metavar="FILE", help="Its key in PEM.")
@click.option(
    "--hot-memory",
    callback=quantity("parse_size"),
    default="1GiB",
    show_default=True,
    metavar="SIZE",
    help="Memory for tables that are kept as Arrow.",
)
@click.option(
    "--max-rows",
    type=Whole(1, 10**12),
    default=10_000_000,
    show_default=True,
    metavar="N",
    help="Rows of an answer.",
)
@click.option(
    "--max-answer",
    callback=quantity("parse_size"),
    default="1GiB",
    show_default=True,
    metavar="SIZE",
    help="Size of an answer in Arrow.",
)
@click.option(
    "--timeout",
    callback=quantity("parse_duration"),
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="Time of a request.",
)
@click.option(
    "--memory",
    callback=quantity("parse_size"),
    default="1GiB",
    show_default=True,
    metavar="SIZE",
    help="Memory of a request.",
)
@click.option(
    "--concurrency",
    type=Whole(0, 1024),
    default=0,
    metavar="N",
    help="Requests that run at once.  [default: two a core; of ROAPI four]",
)
@click.option(
    "--queue",
    type=Whole(0, 4096),
    default=128,
    show_default=True,
    metavar="N",
    help="Requests that wait for their turn; further ones are answered 429.",
)
@click.option(
    "--queue-timeout",
    callback=quantity("parse_duration"),
    default="1s",
    show_default=True,
    metavar="DURATION",
    help="How long one waits before it is answered 429.",
)
@click.option(
    "--max-staleness",
    callback=quantity("parse_pause"),
    metavar="DURATION",
    help="How old an answer may be.  [default: each request looks for new commits]",
)
@freshness_option
@reload_option
@click.option(
    "--roapi-memory",
    callback=quantity("parse_size"),
    default="4GiB",
    show_default=True,
    metavar="SIZE",
    help="Memory of ROAPI's process, beyond which it ends and is started again.",
)
def serve(
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    server: Server,
    names: tuple[str, ...],
    listen: str,
    flight_sql: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    hot_memory: int,
    max_rows: int,
    max_answer: int,
    timeout: float,
    memory: int,
    concurrency: int,
    queue: int,
    queue_timeout: float,
    max_staleness: float | None,
    freshness: str,
    reload_every: float,
    roapi_memory: int,
) -> None:
    """Answer questions about your tables over HTTP.

    POST /api/sql answers SQL as JSON, CSV or Arrow; GET /api/tables/TABLE a table's rows;
    /openapi.json tells of all of it. NEURALAKE_SERVE_TOKEN is the token that clients show; it is
    needed, with a certificate, where other machines can reach the server.
    """
    from neuralake.serving.answers import Limits
    from neuralake.serving.listening import Listening
    from neuralake.serving.options import ServiceOptions
    from neuralake.serving.roapi.configuration import chosen_tables
    from neuralake.serving.run import RoapiRun, check_serve_extra, run_http
    from neuralake.sources.address import Address
    from neuralake.sources.bearer import token_of

    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key go together")
    catalog = load_tables(source, scale_factor, dataset)
    if server == "datafusion":
        _refuse_given("--server roapi", "freshness", "reload_every", "roapi_memory")
    else:
        _refuse_given("--server datafusion", "hot_memory", "max_staleness")
    roapi = RoapiRun(freshness, whole_seconds(reload_every), roapi_memory)
    check_serve_extra()
    options = ServiceOptions(
        hot_bytes=hot_memory,
        limits=Limits(max_rows, max_answer, timeout, memory),
        concurrency=concurrency,
        queue=queue,
        queue_s=queue_timeout,
        max_staleness_s=max_staleness or 0.0,
    )
    run_http(
        chosen_tables(catalog, names),
        options,
        Listening(Address.parse(listen), tls_certificate, tls_key),
        token_of(os.environ, "NEURALAKE_SERVE_TOKEN"),
        click.echo,
        lambda line: click.echo(f"neuralake: {line}", err=True),
        roapi if server == "roapi" else None,
        None
        if flight_sql is None
        else Listening(Address.parse(flight_sql), tls_certificate, tls_key),
    )


def _refuse_given(other: str, *names: str) -> None:
    """Refuse options that mean something to the other server alone."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with {other}")
