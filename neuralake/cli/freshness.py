"""Let records flow into a table, and measure how old the answers of readers are beside it."""

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
    from neuralake.workloads.freshness.plan import FreshnessPlan


@click.command()
@click.option(
    "--to",
    "place",
    type=Location(),
    metavar="DIR",
    help="Directory of the tables.  [default: freshness under the storage root]",
)
@click.option(
    "--source",
    type=click.Choice(("flight", "kafka")),
    default="flight",
    show_default=True,
    help="Through which records come to the writer; kafka starts a broker.",
)
@click.option(
    "--brokers",
    type=Text(),
    metavar="HOST:PORT,…",
    help="Of Kafka.  [default: one of our own, for each round]",
)
@click.option(
    "--rates",
    default="1k,10k",
    show_default=True,
    metavar="ROWS/S,…",
    callback=quantity("parse_rates"),
    help="Records per second that are offered, such as 100k; each in rounds of its own.",
)
@click.option(
    "--arrivals",
    type=click.Choice(("constant", "poisson")),
    default="constant",
    show_default=True,
    help="Records are due at even distances, or independently of one another.",
)
@click.option(
    "--duration",
    "duration_s",
    default="20s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_duration"),
    help="How long records are due in a round.",
)
@click.option(
    "--readers",
    default="http",
    show_default=True,
    metavar="A,B,…",
    type=Text(),
    help="Who asks, each in rounds of its own: http, http-arrow, flight-sql, in-process, engines.",
)
@click.option(
    "--compaction",
    type=click.Choice(("on", "off", "both")),
    default="on",
    show_default=True,
    help="Compaction and vacuum beside the appends.",
)
@click.option(
    "--poll",
    "poll_s",
    default="20ms",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Time from one poll to the next: what an interval cannot be narrower than.",
)
@click.option(
    "--connections",
    type=Whole(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Queries that may be under way at once.",
)
@click.option(
    "--pieces",
    type=Whole(1, 100),
    default=2,
    show_default=True,
    metavar="N",
    help="Pieces of the duration, with pauses around them in which queries run alone.",
)
@click.option(
    "--pause",
    "pause_s",
    default="2s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Length of a pause.",
)
@click.option(
    "--steady", is_flag=True, help="One piece and no pauses: what queries cost alone is not told."
)
@click.option(
    "--warm-up",
    "warm_up_s",
    default="2s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="How long records are due before, which are in no figure.",
)
@click.option(
    "--linger",
    "linger_s",
    default="5ms",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="How long a producer waits for further records before it sends.",
)
@click.option(
    "--producers",
    type=Whole(1, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Streams of flight, or partitions of the topic.",
)
@click.option(
    "--batch-age",
    "batch_age_s",
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Age at which the writer commits what it has.  [default: the writer's own]",
)
@click.option(
    "--bound",
    "bound_s",
    default="100ms",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Bound on p99 of visibility, up to which a rate counts as sustained.",
)
@click.option(
    "--rounds",
    type=Whole(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="Rounds of each case, in a fresh table and fresh processes each time.",
)
@click.option(
    "--timeout",
    "timeout_s",
    default="2m",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_duration"),
    help="How long the last records of a round may take to be durable, and to be seen.",
)
@click.option(
    "--seed", type=Whole(0, 2**31), default=1, show_default=True, metavar="N", help="Of the rows."
)
@click.option("--keep", is_flag=True, help="Keep the tables.")
@resume_option("round")
@json_option
@click.pass_context
def freshness(ctx: click.Context, /, resume: str | None, as_json: bool, **options: Any) -> int:
    """Measure how old answers are while records flow into a table.

    Each record is due at a moment of its own; the writer is neuralake writer in its own processes.
    Readers ask at even distances, and every answer is checked. Exit status 1 says that a record was
    wrong, missing or double, or that a round did not come to its end.
    """
    from neuralake.report.freshness.progress import FreshnessProgress
    from neuralake.report.freshness.terminal import print_freshness
    from neuralake.results.freshness.summary import summarise_freshness
    from neuralake.results.kinds import RUN_OF_FRESHNESS
    from neuralake.workloads.freshness import freshness as runs

    settings = read_settings()
    measuring = Measuring(
        kind=RUN_OF_FRESHNESS,
        plan_of=lambda run: runs.plan_of(run, {}),
        measure=runs.freshness,
        observe=FreshnessProgress,
        summarise=summarise_freshness,
        show=print_freshness,
        is_right=lambda run, _: run.is_right,
    )
    return carry_out(
        ctx, measuring, lambda: _plan(settings, **options), resume=resume, as_json=as_json
    )


def _plan(
    settings: Settings,
    *,
    place: str | None,
    source: Any,
    brokers: str | None,
    rates: tuple[float, ...],
    arrivals: Any,
    duration_s: float,
    readers: str,
    compaction: str,
    poll_s: float,
    connections: int,
    pieces: int,
    pause_s: float,
    steady: bool,
    warm_up_s: float,
    linger_s: float,
    producers: int,
    batch_age_s: float | None,
    bound_s: float,
    rounds: int,
    timeout_s: float,
    seed: int,
    keep: bool,
) -> FreshnessPlan:
    """What the options ask for."""
    if brokers is not None and source != "kafka":
        raise click.UsageError("--brokers goes with --source kafka")
    from neuralake.config import absolute_uri, join_uri
    from neuralake.results.freshness.records import Asking, Load
    from neuralake.workloads.freshness.plan import FreshnessPlan, check_plan
    from neuralake.workloads.places import Target

    root = absolute_uri(settings.storage_root)
    uri = absolute_uri(place) if place else join_uri(root, "freshness")
    load = Load(
        source=source,
        rates=rates,
        arrivals=arrivals,
        duration_s=duration_s,
        warm_up_s=warm_up_s,
        pieces=1 if steady else pieces,
        pause_s=0.0 if steady else pause_s,
        linger_s=linger_s,
        producers=producers,
        batch_age_s=batch_age_s,
        seed=seed,
        brokers=brokers,
    )
    asking = Asking(
        readers=tuple(names_in(readers)),
        poll_s=poll_s,
        connections=connections,
        bound_s=bound_s,
    )
    plan = FreshnessPlan(
        load=load,
        asking=asking,
        compaction={"on": (True,), "off": (False,), "both": (False, True)}[compaction],
        rounds=rounds,
        place=Target(uri),
        timeout_s=timeout_s,
        keeps_tables=keep,
    )
    return check_plan(plan)
