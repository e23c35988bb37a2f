"""The command line: one thin function a command, no logic, and no heavy import before it runs."""

from __future__ import annotations

import signal
import sys
from typing import Any, NoReturn

import click

from neuralake import __version__
from neuralake.cli.bench import bench
from neuralake.cli.compare import calibrate, compare
from neuralake.cli.generate import generate
from neuralake.cli.history import history
from neuralake.cli.listing import catalog, engines
from neuralake.cli.query import query
from neuralake.cli.results import report, results
from neuralake.errors import NeuralakeError
from neuralake.report.text import one_line

INTERRUPTED = 130


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


for _command in (
    generate,
    bench,
    query,
    engines,
    catalog,
    results,
    report,
    compare,
    calibrate,
    history,
):
    cli.add_command(_command)
