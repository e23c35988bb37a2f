"""Run the whole way of an event: broker, writer, table, API."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from neuralake.cli.context import make_console, read_settings
from neuralake.cli.options import catalog_option, quantity
from neuralake.cli.types import Number, Text, Whole

if TYPE_CHECKING:
    from neuralake.pipeline.figures import Figures
    from neuralake.pipeline.parts import Places

_OWN = "neuralake.pipeline.catalog"


@click.command()
@click.argument("table", required=False, type=Text(), metavar="[TABLE]")
@catalog_option
@click.option(
    "--from",
    "source_uri",
    type=Text(),
    metavar="kafka://HOST:PORT/TOPIC",
    help="A topic that is there.  [default: a broker of its own, and events made for it]",
)
@click.option(
    "--rate",
    type=Number(),
    default=10_000.0,
    show_default=True,
    metavar="N",
    help="Events a second that are made.",
)
@click.option(
    "--duration",
    callback=quantity("parse_duration"),
    metavar="DURATION",
    help="How long.  [default: until Ctrl-C]",
)
@click.option(
    "--partitions",
    type=Whole(1, 1000),
    default=2,
    show_default=True,
    metavar="N",
    help="Of the topic that is made.",
)
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default=True,
    type=Text(),
    metavar="HOST:PORT",
    help="Where the API listens; port 0 takes a free one.",
)
@click.option(
    "--moment",
    type=Text(),
    metavar="COLUMN",
    help="Timestamp from which the age of an answer counts.  [default: at, of the own events]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON lines.")
def pipeline(
    table: str | None,
    source: str | None,
    source_uri: str | None,
    rate: float,
    duration: float | None,
    partitions: int,
    listen: str,
    moment: str | None,
    as_json: bool,
) -> int:
    """Let events flow through Kafka and the writer into a table, and serve it.

    Without TABLE everything is its own: a broker, the table pipeline/events in the storage root,
    and a producer. In the end each event that was sent must be answered once by the API. With
    TABLE, of --catalog, it reads --from a topic of yours until it is stopped.
    """
    from neuralake.pipeline.plan import make_plan
    from neuralake.report.pipeline import Picture, in_a_line
    from neuralake.report.text import one_line
    from neuralake.writer.stopping import Stopping

    if (table is None) != (source_uri is None):
        raise click.UsageError("TABLE and --from go together: both are yours, or neither is")
    if table is not None and source is None:
        raise click.UsageError("TABLE goes with --catalog, which the API serves")
    settings = read_settings()
    plan = make_plan(
        settings,
        table=table or "events",
        catalog=source or _OWN,
        source=source_uri,
        rate=rate,
        partitions=partitions,
        duration_s=duration,
        listen=listen,
        moment=moment if table is not None else moment or "at",
    )
    from neuralake.pipeline.run import run_pipeline  # what it needs is there, as the plan knows

    stopping = Stopping()
    stopping.on_signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    shown = Picture(make_console(stderr=True))

    def show(figures: Figures, places: Places) -> None:
        if as_json:
            _print(figures)
        else:
            shown.show(figures, places)

    try:
        outcome = run_pipeline(plan, stopping, show, shown.say, settings.cache_directory)
    finally:
        shown.close()
    if as_json:
        _print(outcome)
    elif outcome.figures is not None:
        click.echo(in_a_line(outcome.figures))
        if outcome.produced is not None and outcome.status == 0:
            click.echo(f"each of {outcome.produced.sent:,} events is answered once")
    if outcome.reason:
        click.echo(f"neuralake: {one_line(outcome.reason)}", err=True)
    return outcome.status


def _print(value: object) -> None:
    import msgspec

    with suppress(BrokenPipeError):  # who listened is gone: that is no reason to end
        click.echo(msgspec.json.encode(value).decode())
