"""The life of a table: a plan of phases carried out again and again, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralake.cli.context import (
    check_workload_options,
    place_of_copies,
    read_settings,
)
from neuralake.cli.measuring import Measuring, carry_out
from neuralake.cli.options import (
    dataset_option,
    engine_options_option,
    engines_option,
    json_option,
    memory_limit_option,
    resume_option,
    scale_factor_option,
    timeout_option,
    workload_catalog_option,
    workload_option,
)
from neuralake.cli.types import Location, Place, Text, Whole
from neuralake.lists import names_in

if TYPE_CHECKING:
    from neuralake.config import Settings
    from neuralake.workloads.lifecycle.plan import LifecyclePlan


@click.command()
@click.option(
    "--plan",
    "plan_file",
    type=Place(),
    metavar="FILE",
    help="A plan of your own, in TOML.",
)
@click.option(
    "--scenario",
    type=Text(),
    metavar="NAME",
    help="A plan that comes with Neuralake: longevity, resilience, concurrency, time-travel, or "
    "all.  [default: longevity]",
)
@click.option(
    "--print-plan",
    type=Text(),
    metavar="NAME",
    help="Print the file of a scenario, to begin a plan of your own with, and do nothing else.",
)
@scale_factor_option
@dataset_option
@workload_option
@workload_catalog_option
@engines_option
@engine_options_option
@click.option(
    "--repetitions",
    type=Whole(1, 1000),
    default=5,
    show_default=True,
    metavar="N",
    help="How often each engine carries out the whole plan, on fresh copies; intervals need two.",
)
@click.option(
    "--mapping",
    type=click.Choice(("threads", "processes")),
    help="Sessions at once as threads of one engine, or a process with an engine for each.  "
    "[default: threads, where the engine has sessions at once]",
)
@click.option(
    "--writer",
    type=click.Choice(("engine", "neuralake")),
    default="engine",
    show_default=True,
    help="Who changes tables: the engine by its own path, or Neuralake's writer what that can do.",
)
@timeout_option
@memory_limit_option
@click.option(
    "--to",
    "place",
    type=Location(),
    metavar="URI",
    help="Directory of the copies of the tables.  [default: lifecycle/ in the storage root]",
)
@click.option("--keep", "keeps_tables", is_flag=True, help="Keep the copies.")
@resume_option("repetition")
@json_option
@click.pass_context
def lifecycle(
    ctx: click.Context,
    /,
    print_plan: str | None,
    resume: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Measure how a table ages: queries and changes in phases, maintenance, and time travel.

    Each engine carries out the plan several times, on copies of the tables. Afterwards every answer
    is given again by another engine, and every table held against what it must hold. Exit status 1
    says that something failed or was wrong; what an engine cannot do is told, and no failure.
    """
    from neuralake.report.lifecycle.progress import LifecycleProgress
    from neuralake.report.lifecycle.terminal import print_lifecycle
    from neuralake.results.kinds import RUN_OF_LIFECYCLE
    from neuralake.results.lifecycle.summary import summarise_lifecycle
    from neuralake.workloads.lifecycle import lifecycle as of_lifecycle
    from neuralake.workloads.lifecycle.resume import plan_of
    from neuralake.workloads.lifecycle.texts import scenario_text

    if print_plan is not None:
        click.echo(scenario_text(print_plan), nl=False)
        return 0
    settings = read_settings()
    measuring = Measuring(
        kind=RUN_OF_LIFECYCLE,
        plan_of=lambda run: plan_of(run, settings),
        measure=of_lifecycle.lifecycle,
        observe=LifecycleProgress,
        summarise=summarise_lifecycle,
        show=print_lifecycle,
        is_right=lambda run, summary: summary.is_right(run),
    )
    return carry_out(
        ctx, measuring, lambda: _plan(settings, **options), resume=resume, as_json=as_json
    )


def _plan(
    settings: Settings,
    *,
    plan_file: Path | None,
    scenario: str | None,
    scale_factor: float | None,
    dataset: str | None,
    own: str | None,
    source: str | None,
    engines: str | None,
    options: tuple[str, ...],
    place: str | None,
    timeout_s: float | None,
    memory_bytes: int | None,
    **others: Any,
) -> LifecyclePlan:
    """What the options ask for; what is wrong with them is told before a dataset is made."""
    from neuralake.engines.registry import parse_specs
    from neuralake.workloads.bench import DEFAULT_ENGINES, choose_engines, make_limits
    from neuralake.workloads.lifecycle.expand import expand
    from neuralake.workloads.lifecycle.opening import open_own, plan_text
    from neuralake.workloads.lifecycle.parsing import parse_plan
    from neuralake.workloads.lifecycle.plan import make_plan
    from neuralake.workloads.opening import open_tpch

    if plan_file is not None and scenario is not None:
        raise click.UsageError("expected either --plan or --scenario")
    if own is not None and plan_file is None:
        raise click.UsageError("--workload goes with --plan: the scenarios are for TPC-H's tables")
    check_workload_options(own, source, scale_factor, dataset)
    text, name = plan_text(plan_file, scenario or "longevity")
    expand(parse_plan(text, name), name)
    names = DEFAULT_ENGINES if engines is None else names_in(engines)
    chosen = choose_engines(parse_specs(names, options), required=engines is not None)
    limits = make_limits(timeout_s, memory_bytes)
    if own is not None:
        workload = open_own(Path(own), source, settings)
    else:
        workload = open_tpch(settings, scale_factor, dataset, make=True)
    tables = next(iter(workload.tables.values()), None)
    uri = getattr(tables, "uri", workload.dataset_uri)
    return make_plan(
        text,
        name,
        workload,
        chosen,
        place=place_of_copies(settings, place, uri, "lifecycle"),
        limits=limits,
        **others,
    )
