"""The command line: one thin function a command, no logic, and no heavy import before it runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from neuralake import __version__
from neuralake.errors import NeuralakeError, ResultsError
from neuralake.report.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from neuralake.catalog.catalog import Catalog
    from neuralake.catalog.tables import Table
    from neuralake.config import Settings
    from neuralake.queries.workload import Workload
    from neuralake.report.answer import Format
    from neuralake.results.records import Run
    from neuralake.results.store import RunStore

INTERRUPTED = 130
WIDTH_WITHOUT_TERMINAL = 140


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # as when a user presses Ctrl-C
        signal.signal(number, signal.default_int_handler)
    debug = "--debug" in sys.argv[1:]
    try:
        status = cli.main(args=sys.argv[1:], prog_name="neuralake", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt) as stop:
        reason = f": {one_line(str(stop))}" if str(stop) else ""
        click.echo(f"neuralake: interrupted{reason}", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        click.echo(f"neuralake: {one_line(error.format_message())}", err=True)
        sys.exit(2)
    except NeuralakeError as error:
        if debug:
            raise
        click.echo(f"neuralake: {one_line(str(error))}", err=True)
        sys.exit(error.exit_status)
    sys.exit(status if isinstance(status, int) else 0)


class _Commands(click.Group):
    """A group whose interruption is told by :func:`main` alone: click would print an empty line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise click.Abort(str(stop)) from None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="neuralake")
@click.option("--debug", is_flag=True, help="Show the trace of an error.")
def cli(debug: bool) -> None:
    """Measure how fast a lakehouse answers.

    The same queries run on the same Delta tables through Polars, DataFusion and Spark, and every
    answer is checked.

    NEURALAKE_ENV chooses the environment: local (the default) or production.
    """


_scale_factor = click.option(
    "--scale-factor",
    "-s",
    type=float,
    default=None,
    metavar="S",
    help="TPC-H scale factor, 0.001 to 100000; 1 is about 1 GB of raw data.",
)
_dataset = click.option(
    "--dataset", metavar="URI", help="A dataset made by generate, in place of --scale-factor."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _quantity(parser: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that reads an option with a function of :mod:`neuralake.quantities`."""

    def parse(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        from neuralake import quantities

        try:
            return None if text is None else getattr(quantities, parser)(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, parameter) from None

    return parse


_catalog = click.option(
    "--catalog", "source", metavar="FILE|MODULE", help="Python file or module with your tables."
)


@cli.command()
@click.option(
    "--scale-factor",
    "-s",
    type=float,
    default=1.0,
    show_default=True,
    metavar="S",
    help="TPC-H scale factor, 0.001 to 100000.",
)
@click.option("--to", "destination", metavar="URI", help="Directory of the dataset.")
@click.option(
    "--row-group-bytes",
    type=int,
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
    type=int,
    metavar="N",
    help="Data files of each table.  [default: 1 for each 10 of the scale factor]",
)
@click.option("--verify", is_flag=True, help="Check the checksums of a dataset that exists.")
@_json
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
    from neuralake.tpch.dataset import dataset_uri
    from neuralake.tpch.generate import generate as make
    from neuralake.tpch.layout import Layout
    from neuralake.tpch.progress import generation_progress

    settings = _settings()
    uri = _uri(destination) if destination else dataset_uri(settings, scale_factor)
    layout = Layout(
        row_group_bytes=row_group_bytes, compression=compression, files_per_table=files_per_table
    )
    with generation_progress() as progress:
        manifest = make(scale_factor, uri, layout=layout, verify=verify, progress=progress)
    if as_json:
        _print_json(manifest)
    else:
        click.echo(uri)


@cli.command()
@_scale_factor
@_dataset
@click.option("--workload", "own", metavar="DIR", help="Your own SQL files, in place of TPC-H.")
@click.option(
    "--catalog", "source", metavar="FILE|MODULE", help="Your tables.  [default: DIR/catalog.py]"
)
@click.option(
    "--engines", metavar="A,B,…", help="Engines, in order.  [default: polars,datafusion,spark]"
)
@click.option(
    "--engine", "options", multiple=True, metavar="NAME:KEY=VALUE", help="A setting of an engine."
)
@click.option("--queries", metavar="1,6,9-12", help="Numbers or names of queries.  [default: all]")
@click.option(
    "--runs",
    type=click.IntRange(min=1),
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
    type=click.IntRange(min=1),
    metavar="N",
    help="Cold runs of each query; implies --cold.  [default: 1 with --cold]",
)
@click.option(
    "--timeout",
    "timeout_s",
    metavar="DURATION",
    callback=_quantity("parse_duration"),
    help="Longest execution of a query: seconds, or such as 5m, 2h.  [default: none]",
)
@click.option(
    "--memory-limit",
    "memory_bytes",
    metavar="SIZE",
    callback=_quantity("parse_size"),
    help="Memory of an engine's processes together, such as 4g.  [default: none]",
)
@click.option(
    "--resume",
    metavar="RUN",
    help="Go on with an interrupted run; its other options are those that it began with.",
)
@_json
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
    from neuralake.report.progress import BenchProgress
    from neuralake.report.report import write_report
    from neuralake.report.terminal import print_run
    from neuralake.results.store import RunStore
    from neuralake.workloads import bench as benches
    from neuralake.workloads.resume import interrupted_run

    settings = _settings()
    store = RunStore(settings.results_root)
    resumed = None
    if resume is not None:
        _refuse_others(ctx, "resume", "as_json")
        directory = store.find(resume)
        resumed = (interrupted_run(directory), directory)
        plan = benches.plan_of(resumed[0], _workload_of(resumed[0], settings))
    else:
        names = [n.strip() for n in engines.split(",")] if engines else benches.DEFAULT_ENGINES
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
    console = _console(stderr=True)
    run, directory = benches.bench(
        plan, store, lambda plan: BenchProgress(console, plan), resumed=resumed
    )
    if as_json:
        _print_json(run)
    else:
        print_run(run, _console(), directory)
    try:
        written = write_report([run], directory / "report")
    except ResultsError as error:  # everything is measured, and kept
        click.echo(f"neuralake: no report: {one_line(str(error))}", err=True)
    else:
        if not as_json:
            click.echo(f"report: {written.html}")
    return 1 if any(v.verdict in ("wrong", "failed") for v in run.verifications) else 0


@cli.command()
@click.argument("sql", required=False)
@click.option("--tpch", "number", type=click.IntRange(1, 22), help="A TPC-H query by its number.")
@click.option("--engine", default="polars", show_default=True, help="Engine that runs it.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="A setting of it.")
@_catalog
@_scale_factor
@_dataset
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
)
@click.option("--explain", is_flag=True, help="Print the engine's plan instead of running.")
def query(
    sql: str | None,
    number: int | None,
    engine: str,
    options: tuple[str, ...],
    source: str | None,
    scale_factor: float | None,
    dataset: str | None,
    output_format: Format,
    explain: bool,
) -> None:
    """Run SQL on one engine, over a TPC-H dataset or the tables of your catalog."""
    from neuralake.engines.registry import parse_specs
    from neuralake.queries.workload import select_queries
    from neuralake.report.answer import print_answer, write_answer
    from neuralake.workloads.query import explain_query, run_query

    if (sql is None) == (number is None):
        raise click.UsageError("expected either SQL or --tpch N")
    settings = _settings()
    (spec,) = parse_specs([engine], [f"{engine}:{option}" for option in options])
    tables: Mapping[str, Table]
    if source is not None:
        if number is not None:
            raise click.UsageError("--tpch goes without --catalog")
        tables = _load_catalog(source, scale_factor, dataset).tables()
    else:
        workload = _workload(settings, scale_factor, dataset)
        tables = workload.tables
        if number is not None:
            (tpch_query,) = select_queries(workload.queries, str(number))
            sql = tpch_query.sql()
    text = sql or ""
    if explain:
        click.echo(explain_query(text, spec, tables))
        return
    result = run_query(text, spec, tables)
    if output_format == "table":
        print_answer(result, _console())
    else:
        write_answer(result, output_format, sys.stdout.buffer)


@cli.command()
@_json
def engines(as_json: bool) -> None:
    """List the engines, their versions and options, and why one cannot run here."""
    from neuralake.engines.registry import describe_engines
    from neuralake.report.listings import print_engines

    found = describe_engines()
    if as_json:
        _print_json(found)
    else:
        print_engines(found, _console())


@cli.group()
def catalog() -> None:
    """Which tables there are."""


@catalog.command("list")
@_catalog
@_scale_factor
@_dataset
@_json
def catalog_list(
    source: str | None, scale_factor: float | None, dataset: str | None, as_json: bool
) -> None:
    """List the tables: of your catalog, or TPC-H's."""
    from neuralake.catalog.describe import list_tables
    from neuralake.report.listings import print_tables

    found = list_tables(_load_catalog(source, scale_factor, dataset))
    if as_json:
        _print_json(found)
    else:
        print_tables(found, _console())


@catalog.command("show")
@click.argument("table")
@_catalog
@_scale_factor
@_dataset
@_json
def catalog_show(
    table: str, source: str | None, scale_factor: float | None, dataset: str | None, as_json: bool
) -> int:
    """Show a table's columns, keys and descriptions.

    Exit status 1 says that the table cannot be used as it is declared.
    """
    from neuralake.catalog.describe import describe_table
    from neuralake.report.listings import print_table_details

    found = describe_table(_load_catalog(source, scale_factor, dataset), table)
    if as_json:
        _print_json(found)
    else:
        print_table_details(found, _console())
    return 0 if found.problem is None else 1


@cli.group()
def results() -> None:
    """What was measured."""


@results.command("list")
@_json
def results_list(as_json: bool) -> None:
    """List the runs, oldest first."""
    from neuralake.report.listings import print_runs

    found = _store().overview()
    if as_json:
        _print_json(found)
    else:
        print_runs(found, _console())


@results.command("show")
@click.argument("run", default="latest")
@_json
def results_show(run: str, as_json: bool) -> None:
    """Show a run: its id, the beginning of one, a directory, or latest."""
    from neuralake.report.terminal import print_run
    from neuralake.results.store import load_run

    directory = _store().find(run)
    found = load_run(directory)
    if as_json:
        _print_json(found)
    else:
        print_run(found, _console(), directory)


@results.command("export")
@click.argument("runs", nargs=-1, metavar="RUN…")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
)
@click.option("--to", "destination", type=click.Path(path_type=Path), help="File, in place of -.")
def results_export(
    runs: tuple[str, ...], output_format: Literal["csv", "parquet"], destination: Path | None
) -> None:
    """Write the samples of runs as CSV or Parquet, one row a sample."""
    from neuralake.results.export import export_samples
    from neuralake.results.store import write_export

    store = _store()
    content = export_samples([store.load(run) for run in runs or ("latest",)], output_format)
    if destination is None:
        sys.stdout.buffer.write(content)
    else:
        write_export(destination, content)


@cli.command()
@click.argument("runs", nargs=-1, metavar="[RUN]…")
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory of the report.  [default: report/ in the run, or in the results for several]",
)
@_json
def report(runs: tuple[str, ...], destination: Path | None, as_json: bool) -> None:
    """Draw figures, and write a page and a Markdown summary of a run, or of several compared.

    A RUN is its id, the beginning of one, a directory, or latest, which is the default. The first
    of several is what the others are compared with.
    """
    from neuralake.report.report import write_report
    from neuralake.report.text import printable
    from neuralake.results.store import load_run

    store = _store()
    found = [store.find(run) for run in runs or ("latest",)]
    home = found[0] if len(found) == 1 else store.root
    written = write_report([load_run(run) for run in found], destination or home / "report")
    if as_json:
        figures = [str(figure) for figure in written.figures]
        paths = {"html": str(written.html), "markdown": str(written.markdown), "figures": figures}
        _print_json(paths)
    else:
        click.echo(printable(str(written.html)))


def _settings() -> Settings:
    from neuralake.config import Settings

    return Settings.from_environ(os.environ)


def _uri(location: str) -> str:
    """What the user typed: a URI, or a path from where he stands."""
    from neuralake.config import is_remote

    return location if is_remote(location) else str(Path(location).absolute())


def _store() -> RunStore:
    from neuralake.results.store import RunStore

    return RunStore(_settings().results_root)


def _load_catalog(
    source: str | None, scale_factor: float | None = None, dataset: str | None = None
) -> Catalog:
    """The user's catalog, or TPC-H's tables where the options place them."""
    from neuralake.catalog.load import load_catalog
    from neuralake.tpch.dataset import dataset_catalog, dataset_uri

    settings = _settings()
    if source is None:
        size = 1.0 if scale_factor is None else scale_factor
        uri = _uri(dataset) if dataset else dataset_uri(settings, size)
        return dataset_catalog(uri, settings)
    if scale_factor is not None or dataset is not None:
        raise click.UsageError("--catalog goes without --scale-factor and --dataset")
    return load_catalog(source, settings)


def _refuse_others(ctx: click.Context, *allowed: str) -> None:
    """Refuse options that do not go with the first of the allowed ones."""
    typed = click.core.ParameterSource.COMMANDLINE
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in allowed and ctx.get_parameter_source(name) is typed:
            raise click.UsageError(
                f"{parameter.opts[0]} does not go with --{allowed[0]}: "
                "the run goes on with the options that it began with"
            )


def _workload_of(run: Run, settings: Settings) -> Workload:
    """The workload that a run measured, as it is now."""
    from neuralake.queries.directory import open_directory
    from neuralake.tpch.dataset import open_workload

    facts = run.header.dataset
    if "directory" in facts:
        return open_directory(Path(facts["directory"]), facts["catalog"], settings)
    return open_workload(run.header.dataset_uri, settings)


def _workload(
    settings: Settings, scale_factor: float | None, dataset: str | None, *, make: bool = False
) -> Workload:
    """The TPC-H workload that the options name; its dataset is made if absent and ``make``."""
    from neuralake.tpch.dataset import dataset_uri, open_workload
    from neuralake.tpch.generate import generate
    from neuralake.tpch.progress import generation_progress

    if dataset is not None:
        if scale_factor is not None:
            raise click.UsageError("expected either --scale-factor or --dataset")
        return open_workload(_uri(dataset), settings)
    size = 1.0 if scale_factor is None else scale_factor
    uri = dataset_uri(settings, size)
    if make:
        with generation_progress() as progress:
            generate(size, uri, progress=progress)
    return open_workload(uri, settings)


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
    from neuralake.queries.workload import select_queries
    from neuralake.tpch.workload import queries as tpch_queries

    if own is not None:
        if scale_factor is not None or dataset is not None:
            raise click.UsageError("--workload goes without --scale-factor and --dataset")
        return open_directory(Path(own), source, settings)
    if source is not None:
        raise click.UsageError("--catalog goes with --workload")
    select_queries(tpch_queries(), queries)  # before an hour of generation
    return _workload(settings, scale_factor, dataset, make=True)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def _print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
