"""Append batches to Delta tables, and measure until when each is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from neuralake.cli.context import read_settings
from neuralake.cli.measuring import Measuring, carry_out
from neuralake.cli.options import (
    json_option,
    quantity,
    resume_option,
)
from neuralake.cli.types import Location, Text, Whole
from neuralake.lists import names_in

if TYPE_CHECKING:
    from neuralake.config import Settings
    from neuralake.workloads.ingest.plan import IngestPlan

_MOST_ROWS = 10_000_000
_MOST_COMMITS = 100_000_000


@click.command()
@click.option(
    "--to",
    "place",
    type=Location(),
    metavar="URI",
    help="Directory or s3:// URI of the tables.  [default: ingest under the storage root]",
)
@click.option(
    "--contestants",
    metavar="A,B,…",
    type=Text(),
    help="neuralake, deltalake-handle, deltalake-path, spark, duckdb, disk, or all.  "
    "[default: neuralake,deltalake-handle,deltalake-path,disk]",
)
@click.option(
    "--maintenance",
    type=click.Choice(("off", "on", "both")),
    default="off",
    show_default=True,
    help="Compaction, checkpoints and vacuum beside the producers.",
)
@click.option(
    "--maintenance-every",
    "maintenance_every_s",
    default="1s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Pause between two passes of maintenance.",
)
@click.option(
    "--log-retention",
    "log_retention_s",
    metavar="DURATION",
    callback=quantity("parse_retention"),
    help="How long the tables keep entries of their logs that a checkpoint sums up.  "
    "[default: Delta's, 30d]",
)
@click.option(
    "--deleted-file-retention",
    "deleted_file_retention_s",
    metavar="DURATION",
    callback=quantity("parse_retention"),
    help="How long they keep files that compaction has replaced.  [default: Delta's, 7d]",
)
@click.option(
    "--producers",
    type=Whole(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="Threads that append at once.",
)
@click.option(
    "--processes",
    type=Whole(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that the producers are shared out to.",
)
@click.option(
    "--batch-rows",
    type=Whole(1, _MOST_ROWS),
    metavar="N",
    help="Rows of a batch.  [default: 1000]",
)
@click.option(
    "--batch-bytes",
    metavar="SIZE",
    callback=quantity("parse_size"),
    help="Size of a batch in memory, such as 1MiB, in place of --batch-rows.",
)
@click.option(
    "--commits",
    type=Whole(1, _MOST_COMMITS),
    metavar="N",
    help="Batches a round.  [default: 200, unless there is a --duration]",
)
@click.option(
    "--duration",
    "duration_s",
    metavar="DURATION",
    callback=quantity("parse_duration"),
    help="Time in which the batches of a round are due: seconds, or such as 1m.",
)
@click.option(
    "--rounds",
    type=Whole(1, 1000),
    default=6,
    show_default=True,
    metavar="N",
    help="Rounds of each contestant, in a fresh table and process each time.",
)
@click.option(
    "--arrivals",
    type=click.Choice(("closed", "constant", "poisson")),
    help="When batches are due: when the one before is durable, or at moments of their own.  "
    "[default: closed, constant with --rate]",
)
@click.option(
    "--rate",
    "rates",
    metavar="ROWS/S,…",
    callback=quantity("parse_rates"),
    help="Rows per second that are offered, such as 100k; several one after another.",
)
@click.option(
    "--readers",
    metavar="A,B,…",
    type=Text(),
    help="Engines that poll beside the producers, in further rounds: when do they see a row?",
)
@click.option(
    "--poll",
    "poll_s",
    default="20ms",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Time from one poll of a reader to the next.",
)
@click.option(
    "--warm-up",
    type=Whole(0),
    default=20,
    show_default=True,
    metavar="N",
    help="Batches before each round that are in no figure.",
)
@click.option(
    "--timeout",
    "timeout_s",
    default="1h",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_duration"),
    help="Longest round.",
)
@click.option(
    "--seed", type=Whole(0, 2**31), default=1, show_default=True, metavar="N", help="Of the rows."
)
@click.option("--keep", is_flag=True, help="Keep the tables.")
@resume_option("round")
@json_option
@click.pass_context
def ingest(ctx: click.Context, /, resume: str | None, as_json: bool, **options: Any) -> int:
    """Append batches to Delta tables, and measure until when each is durable.

    Contestants take turns, in fresh tables; disk is the limit: the bytes of Neuralake's own
    commits, written and synced by bare system calls. Every table is read afterwards. Exit status 1
    says that one does not hold what was acknowledged, or that a round failed.
    """
    from neuralake.report.ingest.progress import IngestProgress
    from neuralake.report.ingest.terminal import print_ingest
    from neuralake.results.ingest.summary import summarise_ingest
    from neuralake.results.kinds import RUN_OF_INGEST
    from neuralake.workloads.ingest import ingest as ingests

    settings = read_settings()
    measuring = Measuring(
        kind=RUN_OF_INGEST,
        plan_of=lambda run: ingests.plan_of(run, settings.s3.storage_options()),
        measure=ingests.ingest,
        observe=IngestProgress,
        summarise=summarise_ingest,
        show=print_ingest,
        is_right=lambda run, _: run.is_right,
    )
    return carry_out(
        ctx, measuring, lambda: _plan(settings, **options), resume=resume, as_json=as_json
    )


def _plan(
    settings: Settings,
    *,
    place: str | None,
    contestants: str | None,
    maintenance: str,
    maintenance_every_s: float,
    log_retention_s: float | None,
    deleted_file_retention_s: float | None,
    producers: int,
    processes: int,
    batch_rows: int | None,
    batch_bytes: int | None,
    commits: int | None,
    duration_s: float | None,
    rounds: int,
    arrivals: str | None,
    rates: tuple[float, ...] | None,
    readers: str | None,
    poll_s: float,
    warm_up: int,
    timeout_s: float,
    seed: int,
    keep: bool,
) -> IngestPlan:
    """What the options ask for."""
    from neuralake.config import absolute_uri, is_remote, join_uri
    from neuralake.delta.intervals import DELETED_FILE_RETENTION, LOG_RETENTION, interval
    from neuralake.results.ingest.records import Freshness, Load
    from neuralake.workloads.ingest import plan as plans
    from neuralake.workloads.ingest.batches import rows_of_size
    from neuralake.workloads.places import Target

    if batch_rows is not None and batch_bytes is not None:
        raise click.UsageError("expected either --batch-rows or --batch-bytes")
    rows = rows_of_size(batch_bytes, seed) if batch_bytes is not None else batch_rows or 1000
    kind: Any = arrivals or ("constant" if rates else "closed")
    load = Load(
        arrivals=kind,
        rates=rates or (),
        batch_rows=rows,
        producers=producers,
        processes=processes,
        commits=commits if commits is not None or duration_s is not None else 200,
        duration_s=duration_s,
        warm_up=warm_up,
        seed=seed,
    )
    uri = absolute_uri(place) if place else join_uri(absolute_uri(settings.storage_root), "ingest")
    target = Target(uri, settings.s3.storage_options() if is_remote(uri) else {})
    return plans.make_plan(
        names=None if contestants is None else tuple(names_in(contestants)),
        maintenance=maintenance,
        load=load,
        rounds=rounds,
        freshness=Freshness(tuple(names_in(readers)) if readers else (), poll_s),
        place=target,
        maintenance_every_s=maintenance_every_s,
        properties={
            name: interval(seconds)
            for name, seconds in (
                (LOG_RETENTION, log_retention_s),
                (DELETED_FILE_RETENTION, deleted_file_retention_s),
            )
            if seconds is not None
        },
        timeout_s=timeout_s,
        keeps_tables=keep,
    )
