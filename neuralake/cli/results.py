"""What was measured, and reports of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from neuralake.cli.context import make_console, open_store, print_json
from neuralake.cli.options import format_to_write, json_option
from neuralake.cli.types import Location, Place
from neuralake.errors import ResultsError
from neuralake.lists import require_once

ExportFormat = Literal["csv", "parquet"]
_EXPORT_FORMATS: tuple[ExportFormat, ...] = ("csv", "parquet")


@click.group()
def results() -> None:
    """What was measured."""


@results.command("list")
@json_option
def results_list(as_json: bool) -> None:
    """List the runs and the comparisons, oldest first.

    With --json an array of both; only a comparison has a base and a candidate.
    """
    from neuralake.report.listings import print_comparisons, print_runs
    from neuralake.results.comparisons import ComparisonStore

    store = open_store()
    runs, compared = store.overview(), ComparisonStore(store.root).overview()
    if as_json:
        print_json([*runs, *compared])
        return
    console = make_console()
    if runs or not compared:
        print_runs(runs, console)
    if compared:
        print_comparisons(compared, console)


@results.command("show")
@click.argument("run", type=Location(), default="latest")
@json_option
def results_show(run: str, as_json: bool) -> None:
    """Show a run or a comparison: its id, the beginning of one, a directory, or latest.

    latest is the latest run.
    """
    from neuralake.report.comparison import print_comparison
    from neuralake.report.kinds import print_any
    from neuralake.results.comparisons import find_result, is_comparison, load_comparison
    from neuralake.results.store import load_any

    directory = find_result(open_store(), run)
    compared = load_comparison(directory) if is_comparison(directory) else None
    found = load_any(directory)[1] if compared is None else compared
    if as_json:
        print_json(found)
    elif compared is None:
        print_any(found, make_console(), directory)
    else:
        print_comparison(compared, make_console(), directory)


@results.command("export")
@click.argument("runs", nargs=-1, type=Location(), metavar="RUN…")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(_EXPORT_FORMATS),
    help="[default: by the suffix of --to, else csv]",
)
@click.option(
    "--to",
    "destination",
    type=Place(),
    metavar="FILE",
    help="File, in place of standard output.",
)
def results_export(
    runs: tuple[str, ...], output_format: ExportFormat | None, destination: Path | None
) -> None:
    """Write runs as CSV or Parquet, one row a sample, or comparisons, one row an execution.

    All runs are of one kind: of queries, ingest, freshness, serving, streams, or lifecycle.
    """
    from neuralake.results.export import export
    from neuralake.results.store import write_export

    chosen = format_to_write(output_format, destination, _EXPORT_FORMATS) or "csv"
    content = export(_found(runs), chosen)
    if destination is None:
        sys.stdout.buffer.write(content)
    else:
        write_export(destination, content)


@click.command()
@click.argument("runs", nargs=-1, type=Location(), metavar="[RUN]…")
@click.option(
    "--to",
    "destination",
    type=Place(),
    metavar="DIR",
    help="Directory of the report.  [default: report/ in the run, or in the results for several]",
)
@json_option
def report(runs: tuple[str, ...], destination: Path | None, as_json: bool) -> None:
    """Draw figures, and write a page and a Markdown summary of a run, or of several compared.

    A RUN is its id, the beginning of one, a directory, or latest, which is the default. The first
    of several is what the others are compared with. A comparison that neuralake compare made is
    named in the same way, by itself.
    """
    from neuralake.report.comparison import write_comparison_report
    from neuralake.report.kinds import write_report
    from neuralake.report.runs.report import write_runs_report
    from neuralake.report.text import printable
    from neuralake.results.comparisons import is_comparison, load_comparison
    from neuralake.results.store import load_any, load_run

    found = _found(runs)
    home = found[0] if len(found) == 1 else open_store().root
    directory = destination or home / "report"
    if is_comparison(found[0]):
        if len(found) > 1:
            raise ResultsError(f"comparison {found[0].name} has a report of its own: name it alone")
        written = write_comparison_report(load_comparison(found[0]), directory)
    elif len(found) == 1:
        written = write_report(load_any(found[0])[1], found[0], directory)
    else:
        written = write_runs_report([load_run(run) for run in found], directory)
    if as_json:
        figures = [str(figure) for figure in written.figures]
        paths = {"html": str(written.html), "markdown": str(written.markdown), "figures": figures}
        print_json(paths)
    else:
        click.echo(printable(str(written.html)))


def _found(names: tuple[str, ...]) -> list[Path]:
    """Directories of runs, or of comparisons; of the latest run if none is named."""
    from neuralake.results.comparisons import find_result, is_comparison

    store = open_store()
    found = [find_result(store, name) for name in names or ("latest",)]
    require_once((directory.resolve().name for directory in found), "result", ResultsError)
    kinds = [is_comparison(directory) for directory in found]
    if any(kinds) and not all(kinds):
        run, compared = found[kinds.index(False)].name, found[kinds.index(True)].name
        raise ResultsError(f"{run} is a run, and {compared} a comparison: name either")
    return found
