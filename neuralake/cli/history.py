"""Change points over the commits."""

from __future__ import annotations

from pathlib import Path

import click

from neuralake.cli.context import make_console, print_json, read_settings
from neuralake.cli.options import json_option
from neuralake.cli.types import Number, Place
from neuralake.errors import ResultsError
from neuralake.report.text import one_line, printable

REGRESSED = 1


@click.command()
@click.option(
    "--repo",
    "repository",
    type=Place(),
    default=Path(),
    metavar="DIR",
    help="Repository that orders the commits.  [default: where you stand]",
)
@click.option(
    "--results",
    "root",
    type=Place(),
    metavar="DIR",
    help="Results root with asv/ and runs/, or asv's own directory.  [default: results]",
)
@click.option("--benchmark", metavar="GLOB", help="Only benchmarks whose name matches.")
@click.option("--engine", metavar="NAME", help="Only this engine.")
@click.option(
    "--min-change",
    type=Number(0, 10),
    default=0.02,
    show_default=True,
    metavar="FRACTION",
    help="Least change that counts; 0.02 is 2 %.",
)
@click.option(
    "--confidence",
    type=Number(0.5, 0.9999),
    default=0.99,
    show_default=True,
    metavar="C",
    help="Of all series together: 1 − the rate of false discoveries.",
)
@click.option(
    "--fail-on-regression",
    is_flag=True,
    help="Exit with status 1 if the latest change of any series is a regression.",
)
@click.option(
    "--to",
    "destination",
    type=Place(),
    metavar="DIR",
    help="Directory of the page.  [default: history/ in the results root]",
)
@json_option
def history(
    repository: Path,
    root: Path | None,
    benchmark: str | None,
    engine: str | None,
    min_change: float,
    confidence: float,
    fail_on_regression: bool,
    destination: Path | None,
    as_json: bool,
) -> int:
    """Find change points over the commits in asv's results and in runs, and draw them.

    The commits are those of the first-parent line of HEAD. A series that has an anchor, a fixed
    commit measured beside each commit, is analysed as the ratio to it.
    """
    from neuralake.history.analysis import Criteria
    from neuralake.history.find import find_history
    from neuralake.history.series import Chosen
    from neuralake.report.history.report import write_history
    from neuralake.report.history.terminal import print_history

    source = root or read_settings().results_root
    found = find_history(
        source, repository, Chosen(benchmark, engine), Criteria(confidence, min_change)
    )
    page = None
    try:
        page = write_history(found, destination or source / "history")
    except ResultsError as error:
        if destination is not None:
            raise
        click.echo(f"neuralake: no page: {one_line(str(error))}", err=True)
    if as_json:
        html = None if page is None else str(page)
        print_json({"regressed": found.is_regressed, "html": html, "history": found})
    else:
        print_history(found, make_console())
        if page is not None:
            click.echo(printable(f"page: {page}"))
    return REGRESSED if fail_on_regression and found.is_regressed else 0
