"""Ask a server at a rate, and measure how soon it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from neuralake.cli.context import read_settings
from neuralake.cli.measuring import Measuring, carry_out
from neuralake.cli.options import (
    dataset_option,
    json_option,
    quantity,
    resume_option,
    scale_factor_option,
)
from neuralake.cli.types import Text, Whole
from neuralake.lists import names_in

if TYPE_CHECKING:
    from neuralake.config import Settings
    from neuralake.queries.workload import Workload
    from neuralake.results.serving.records import ServingHeader
    from neuralake.workloads.serving.plan import ServingPlan

_SMALL = 0.01  # scale factor of the default dataset: its queries take milliseconds


def _offered(ctx: click.Context, parameter: click.Parameter, value: str) -> Any:
    from neuralake.workloads.serving.plan import parse_offered

    try:
        return parse_offered(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


@click.command()
@click.option(
    "--contestants",
    metavar="A,B,…",
    type=Text(),
    help="in-process, http, http-arrow, flight-sql, roapi, roapi-bare, null, or all.  "
    "[default: in-process,http,flight-sql,roapi,null]",
)
@click.option(
    "--mix",
    default="point",
    show_default=True,
    metavar="KIND[=N],…",
    type=Text(),
    help="What is asked: point, aggregate, tpch, with weights such as point=90,aggregate=10.",
)
@click.option(
    "--keys",
    type=click.Choice(("zipf", "uniform")),
    default="zipf",
    show_default=True,
    help="How keys are drawn: a few of them often, or all alike.",
)
@click.option(
    "--rows",
    type=Whole(1, 100_000_000),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Rows of the table that point and aggregate ask.",
)
@scale_factor_option
@dataset_option
@click.option(
    "--rates",
    default="10%,50%,75%,90%,110%,150%",
    show_default=True,
    metavar="R,…",
    callback=_offered,
    help="Rates: shares of each contestant's capacity, or requests a second such as 300,600.",
)
@click.option(
    "--arrivals",
    type=click.Choice(("constant", "poisson")),
    default="constant",
    show_default=True,
    help="When requests are due: at even distances, or at random.",
)
@click.option(
    "--duration",
    "duration_s",
    default="5s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Time in which the requests of a round are due.",
)
@click.option(
    "--rounds",
    type=Whole(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="Rounds of each contestant and rate, in fresh processes each time.",
)
@click.option(
    "--connections",
    type=Whole(1, 1000),
    default=256,
    show_default=True,
    metavar="N",
    help="Most requests that are under way at once.",
)
@click.option(
    "--timeout",
    "timeout_s",
    default="10s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Longest time from the moment that a request was due until its answer.",
)
@click.option(
    "--warm-up",
    "warm_up_s",
    default="1s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Time of a closed loop before each round that is in no figure.",
)
@click.option(
    "--capacity-step",
    "capacity_step_s",
    default="1s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Time of each step of the search for the capacity.",
)
@click.option(
    "--recovery",
    "recovery_s",
    default="3s",
    show_default=True,
    metavar="DURATION",
    callback=quantity("parse_pause"),
    help="Time after a load beyond the capacity in which recovery is looked for.",
)
@click.option(
    "--seed",
    type=Whole(0, 2**31),
    default=1,
    show_default=True,
    metavar="N",
    help="Of rows, keys and random arrivals.",
)
@resume_option("round")
@json_option
@click.pass_context
def serving(ctx: click.Context, /, resume: str | None, as_json: bool, **options: Any) -> int:
    """Ask servers at a rate, and measure how soon they answer.

    First the capacity of each is found, in a closed loop. Then requests are due at moments of their
    own, at rates below it and beyond, whatever became of those before; latency counts from these
    moments. Contestants take turns, each in fresh processes. Every answer is checked. Exit status 1
    says that one is wrong, or that a round failed.
    """
    from neuralake.report.serving.progress import ServingProgress
    from neuralake.report.serving.terminal import print_serving
    from neuralake.results.kinds import RUN_OF_SERVING
    from neuralake.results.serving.summary import summarise_serving
    from neuralake.workloads.serving import serving as servings

    settings = read_settings()
    measuring = Measuring(
        kind=RUN_OF_SERVING,
        plan_of=lambda run: servings.plan_of(run, _recorded(settings, run.header)),
        measure=servings.serving,
        observe=ServingProgress,
        summarise=summarise_serving,
        show=print_serving,
        is_right=lambda run, _: run.is_right,
    )
    return carry_out(
        ctx, measuring, lambda: _plan(settings, **options), resume=resume, as_json=as_json
    )


def _recorded(settings: Settings, header: ServingHeader) -> Workload | None:
    """The dataset that an interrupted run has asked."""
    from neuralake.workloads.opening import open_tpch

    return None if header.dataset is None else open_tpch(settings, None, header.dataset)


def _plan(
    settings: Settings,
    *,
    contestants: str | None,
    mix: str,
    keys: str,
    rows: int,
    scale_factor: float | None,
    dataset: str | None,
    rates: Any,
    rounds: int,
    **load: Any,
) -> ServingPlan:
    """What the options ask for."""
    from neuralake.results.serving.records import Load
    from neuralake.workloads.opening import open_tpch
    from neuralake.workloads.serving.plan import make_plan
    from neuralake.workloads.serving.requests import parse_mix

    asked: Any = keys
    found = parse_mix(mix, asked, rows)
    names = None if contestants is None else tuple(names_in(contestants))
    # what is wrong with these is told before a dataset is made
    plan = make_plan(names=names, load=Load(mix=found, rates=rates, **load), rounds=rounds)
    if "tpch" not in found.weights:
        if scale_factor is not None or dataset is not None:
            raise click.UsageError("--scale-factor and --dataset go with --mix tpch")
        return plan
    size = _SMALL if scale_factor is None and dataset is None else scale_factor
    return plan.with_tpch(open_tpch(settings, size, dataset, make=dataset is None))
