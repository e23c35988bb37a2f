"""What was measured, and reports of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from neuralake.cli.context import make_console, open_store, print_json
from neuralake.cli.options import json_option


@click.group()
def results() -> None:
    """What was measured."""


@results.command("list")
@json_option
def results_list(as_json: bool) -> None:
    """List the runs, oldest first."""
    from neuralake.report.listings import print_runs

    found = open_store().overview()
    if as_json:
        print_json(found)
    else:
        print_runs(found, make_console())


@results.command("show")
@click.argument("run", default="latest")
@json_option
def results_show(run: str, as_json: bool) -> None:
    """Show a run: its id, the beginning of one, a directory, or latest."""
    from neuralake.report.run.terminal import print_run
    from neuralake.results.store import load_run

    directory = open_store().find(run)
    found = load_run(directory)
    if as_json:
        print_json(found)
    else:
        print_run(found, make_console(), directory)


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

    store = open_store()
    content = export_samples([store.load(run) for run in runs or ("latest",)], output_format)
    if destination is None:
        sys.stdout.buffer.write(content)
    else:
        write_export(destination, content)


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]…")
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory of the report.  [default: report/ in the run, or in the results for several]",
)
@json_option
def report(runs: tuple[str, ...], destination: Path | None, as_json: bool) -> None:
    """Draw figures, and write a page and a Markdown summary of a run, or of several compared.

    A RUN is its id, the beginning of one, a directory, or latest, which is the default. The first
    of several is what the others are compared with.
    """
    from neuralake.report.run.report import write_run_report
    from neuralake.report.runs.report import write_runs_report
    from neuralake.report.text import printable
    from neuralake.results.store import load_run

    store = open_store()
    found = [store.find(run) for run in runs or ("latest",)]
    home = found[0] if len(found) == 1 else store.root
    directory, loaded = destination or home / "report", [load_run(run) for run in found]
    if len(loaded) == 1:
        written = write_run_report(loaded[0], directory)
    else:
        written = write_runs_report(loaded, directory)
    if as_json:
        figures = [str(figure) for figure in written.figures]
        paths = {"html": str(written.html), "markdown": str(written.markdown), "figures": figures}
        print_json(paths)
    else:
        click.echo(printable(str(written.html)))
