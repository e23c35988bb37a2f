"""The command line: one thin function a command, no logic, and no heavy import before it runs."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

import click

from neuralake.cli.commands import Commands
from neuralake.cli.docstrings import restore_help
from neuralake.cli.ending import end
from neuralake.cli.leaving import OwnProcess
from neuralake.cli.standard_streams import StandardStreams
from neuralake.user_code import SURROUNDINGS, open_what_is_closed
from neuralake.version import __version__

_DEBUG = "--debug"


def main(process: OwnProcess | None = None) -> NoReturn:
    """Run the command line and exit with its status.

    Parameters
    ----------
    process
        This one, if it is the command's alone.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # as when a user presses Ctrl-C
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and who else asks for it
            signal.signal(number, signal.default_int_handler)
    if "_NEURALAKE_COMPLETE" in os.environ:  # a shell asks, in click's own way
        cli.main(prog_name="neuralake")
    open_what_is_closed()  # by the shell: the next file opened would take its place
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 (until the process ends)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 (until the process ends)
    arguments, debug = _without_debug(sys.argv[1:])
    streams = StandardStreams()
    outside = SURROUNDINGS.set(streams)
    try:
        status = _run(arguments, process)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 (a Rust panic and SystemExit are no Exceptions)
        status = end(error, debug=debug)
    SURROUNDINGS.reset(outside)
    streams.leave(status)
    sys.exit(status)


def _run(arguments: list[str], process: OwnProcess | None) -> int:
    try:
        with cli.make_context("neuralake", arguments, obj=process) as context:
            status = cli.invoke(context)
    except click.exceptions.Exit as done:  # --help and --version
        if process is not None:
            process.is_plain = True
        return done.exit_code
    return status if isinstance(status, int) else 0


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments without ``--debug``, which may stand anywhere before ``--``."""
    ours = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [word for word in arguments[:ours] if word != _DEBUG]
    return kept + arguments[ours:], len(kept) < ours


@click.group(
    commands=Commands(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="neuralake")
@click.option(_DEBUG, is_flag=True, help="Show the trace of an error.")
def cli(debug: bool) -> None:
    """Measure how fast a lakehouse answers.

    The same queries run on the same Delta tables through Polars, DataFusion and Spark, and every
    answer is checked.

    NEURALAKE_ENV chooses the environment: local (the default) or production.
    """


restore_help(cli)
