"""Run the queries on each engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralake.cli.context import (
    check_workload_options,
    make_console,
    print_json,
    read_settings,
    tell_report,
)
from neuralake.cli.options import (
    dataset_option,
    engine_options_option,
    engines_option,
    json_option,
    memory_limit_option,
    queries_option,
    refuse_beside_resume,
    scale_factor_option,
    timeout_option,
    workload_catalog_option,
    workload_option,
)
from neuralake.cli.types import Location, Whole
from neuralake.lists import names_in

if TYPE_CHECKING:
    from neuralake.config import Settings
    from neuralake.queries.workload import Workload


@click.command()
@scale_factor_option
@dataset_option
@workload_option
@workload_catalog_option
@engines_option
@engine_options_option
@queries_option
@click.option(
    "--runs",
    type=Whole(1),
    default=3,
    show_default=True,
    metavar="N",
    help="Hot runs of each query, after its first run.",
)
@click.option(
    "--cold",
    is_flag=True,
    help="Also run each query in a new process, with the dataset out of the page cache.",
)
@click.option(
    "--cold-runs",
    type=Whole(1),
    metavar="N",
    help="Cold runs of each query; implies --cold.  [default: 1 with --cold]",
)
@timeout_option
@memory_limit_option
@click.option(
    "--resume",
    type=Location(),
    metavar="RUN",
    help="Go on with an interrupted run; its other options are those that it began with.",
)
@json_option
@click.pass_context
def bench(
    ctx: click.Context,
    scale_factor: float | None,
    dataset: str | None,
    own: str | None,
    source: str | None,
    engines: str | None,
    options: tuple[str, ...],
    queries: str | None,
    runs: int,
    cold: bool,
    cold_runs: int | None,
    timeout_s: float | None,
    memory_bytes: int | None,
    resume: str | None,
    as_json: bool,
) -> int:
    """Run the queries on each engine, verify every answer, and report.

    The queries are TPC-H's, whose dataset is generated if there is none, or your own. Exit status
    1 says that an answer is wrong or missing.
    """
    from neuralake.engines.registry import parse_specs
    from neuralake.report.line import is_redrawn, line_of
    from neuralake.report.run.progress import BenchProgress
    from neuralake.report.run.report import write_run_report
    from neuralake.report.run.terminal import print_run
    from neuralake.results.store import RunStore
    from neuralake.results.texts import read_texts
    from neuralake.workloads import bench as benches
    from neuralake.workloads.opening import recorded_workload
    from neuralake.workloads.resume import interrupted_run

    settings = read_settings()
    store = RunStore(settings.results_root)
    resumed = None
    if resume is not None:
        refuse_beside_resume(ctx)
        directory = store.find(resume)
        resumed = (interrupted_run(directory), directory)
        plan = benches.plan_of(resumed[0], recorded_workload(resumed[0], settings))
    else:
        names = benches.DEFAULT_ENGINES if engines is None else names_in(engines)
        chosen = benches.choose_engines(parse_specs(names, options), required=engines is not None)
        workload = _bench_workload(settings, own, source, scale_factor, dataset, queries)
        plan = benches.make_plan(
            workload,
            chosen,
            selection=queries,
            hot_runs=runs,
            cold_runs=cold_runs or int(cold),
            limits=benches.make_limits(timeout_s, memory_bytes),
        )
    console = make_console(stderr=True)
    line = None if is_redrawn(console) else line_of(console)
    run, directory = benches.bench(
        plan, store, lambda plan: BenchProgress(console, plan, line), resumed=resumed
    )
    if as_json:
        print_json(run)
    else:
        print_run(run, make_console(), directory)
    tell_report(
        lambda: write_run_report(run, directory / "report", read_texts(run, directory)),
        as_json=as_json,
    )
    return 0 if run.is_right else 1


def _bench_workload(
    settings: Settings,
    own: str | None,
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    queries: str | None,
) -> Workload:
    """What bench runs: the workload in a directory of the user's, or TPC-H."""
    from neuralake.queries.directory import open_directory
    from neuralake.workloads.opening import open_tpch

    check_workload_options(own, source, scale_factor, dataset)
    if own is not None:
        return open_directory(Path(own), source, settings)
    return open_tpch(settings, scale_factor, dataset, make=True, selection=queries)
