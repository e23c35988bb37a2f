"""TPC-H's power run and throughput run: one stream, then several at once, and refreshes."""

from __future__ import annotations

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
)
from neuralake.cli.types import Location, Text, Whole
from neuralake.lists import names_in

if TYPE_CHECKING:
    from neuralake.config import Settings
    from neuralake.workloads.streams.plan import StreamsPlan

_MOST_SEED = 2**62


def _counts(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """Numbers of streams such as ``1,2,4``."""
    if value is None:
        return None
    counts = []
    for word in names_in(value):
        try:
            counts.append(int(word))
        except ValueError:
            raise click.BadParameter(
                f"{word!r} is no number of streams: expected such as 2, or 1,2,4", ctx, parameter
            ) from None
    return tuple(counts)


@click.command()
@scale_factor_option
@dataset_option
@engines_option
@engine_options_option
@click.option(
    "--streams",
    "counts",
    metavar="N,…",
    callback=_counts,
    help="Streams at once, 1 to 40; several numbers run one after another.  "
    "[default: TPC-H's least for the scale factor, 2 below 10]",
)
@click.option(
    "--seed",
    type=Whole(1, _MOST_SEED),
    default=1,
    show_default=True,
    metavar="N",
    help="Of the parameters: stream s has the seed plus s.",
)
@click.option(
    "--sets",
    metavar="1,3-5",
    type=Text(),
    help="Refresh sets, 1 to 999: that of the power run, and one for each stream.  "
    "[default: the first ones]",
)
@click.option(
    "--mapping",
    type=click.Choice(("threads", "processes")),
    help="Streams as threads of one engine, or a process with an engine for each.  "
    "[default: threads, where the engine has sessions at once]",
)
@click.option(
    "--writer",
    type=click.Choice(("engine", "neuralake")),
    default="engine",
    show_default=True,
    help="Who inserts: the engine by its own path, or Neuralake's writer.",
)
@click.option(
    "--rounds",
    type=Whole(1, 1000),
    default=1,
    show_default=True,
    metavar="N",
    help="How often each engine is measured.",
)
@timeout_option
@memory_limit_option
@click.option(
    "--to",
    "place",
    type=Location(),
    metavar="URI",
    help="Directory of the copies of the tables.  [default: streams/ in the storage root]",
)
@click.option("--keep", "keeps_tables", is_flag=True, help="Keep the copies.")
@resume_option("phase")
@json_option
@click.pass_context
def streams(ctx: click.Context, /, resume: str | None, as_json: bool, **options: Any) -> int:
    """Run TPC-H's streams of queries beside its refreshes, and measure throughput.

    The power run is one session: refresh 1, the 22 queries, refresh 2. The throughput run is
    several streams at once and a stream of refreshes beside them. Each runs on a copy of the
    tables; afterwards another engine answers every query again, at the versions that it read. Exit
    status 1 says that something failed or was wrong: there is no metric then. Metrics are derived
    from TPC-H, and not comparable with published TPC-H results.
    """
    from neuralake.report.streams.progress import StreamsProgress
    from neuralake.report.streams.terminal import print_streams
    from neuralake.results.kinds import RUN_OF_STREAMS
    from neuralake.results.streams.summary import summarise_streams
    from neuralake.workloads.streams import streams as of_streams
    from neuralake.workloads.streams.resume import plan_of

    settings = read_settings()
    measuring = Measuring(
        kind=RUN_OF_STREAMS,
        plan_of=lambda run: plan_of(run, settings),
        measure=of_streams.streams,
        observe=StreamsProgress,
        summarise=summarise_streams,
        show=print_streams,
        is_right=lambda _, summary: summary.is_right,
    )
    return carry_out(
        ctx, measuring, lambda: _plan(settings, **options), resume=resume, as_json=as_json
    )


def _plan(
    settings: Settings,
    *,
    scale_factor: float | None,
    dataset: str | None,
    engines: str | None,
    options: tuple[str, ...],
    counts: tuple[int, ...] | None,
    seed: int,
    sets: str | None,
    place: str | None,
    timeout_s: float | None,
    memory_bytes: int | None,
    **others: Any,
) -> StreamsPlan:
    """What the options ask for; what is wrong with them is told before a dataset is made."""
    from neuralake.engines.registry import parse_specs
    from neuralake.tpch.refresh.keys import parse_sets
    from neuralake.workloads.bench import DEFAULT_ENGINES, choose_engines, make_limits
    from neuralake.workloads.opening import open_tpch
    from neuralake.workloads.streams.plan import (
        check_seeds,
        check_streams,
        enough_sets,
        make_plan,
    )

    check_workload_options(None, None, scale_factor, dataset)
    if counts is not None:
        check_streams(counts)
    check_seeds(seed, counts or ())
    numbers = None if sets is None else parse_sets(sets)
    if counts is not None:
        enough_sets(numbers, counts)
    names = DEFAULT_ENGINES if engines is None else names_in(engines)
    chosen = choose_engines(parse_specs(names, options), required=engines is not None)
    workload = open_tpch(settings, scale_factor, dataset, make=True)
    return make_plan(
        workload,
        chosen,
        required=engines is not None,
        place=place_of_copies(settings, place, workload.dataset_uri, "streams"),
        streams=counts,
        seed=seed,
        sets=numbers,
        limits=make_limits(timeout_s, memory_bytes),
        **others,
    )
