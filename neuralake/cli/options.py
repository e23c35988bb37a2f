"""Options that several commands have."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from neuralake.cli.types import Location, Number, Text

F = TypeVar("F", bound=str)
C = TypeVar("C", bound=Callable[..., Any])

scale_factor_option = click.option(
    "--scale-factor",
    "-s",
    type=Number(),
    default=None,
    metavar="S",
    help="TPC-H scale factor, 0.001 to 100000; 1 is about 1 GB of raw data.",
)
dataset_option = click.option(
    "--dataset",
    metavar="URI",
    type=Location(),
    help="A dataset made by generate, in place of --scale-factor.",
)
workload_option = click.option(
    "--workload",
    "own",
    metavar="DIR",
    type=Location(),
    help="Your own SQL files, in place of TPC-H.",
)
workload_catalog_option = click.option(
    "--catalog",
    "source",
    metavar="FILE|MODULE",
    type=Location(),
    help="Your tables.  [default: DIR/catalog.py]",
)
queries_option = click.option(
    "--queries",
    metavar="1,6,9-12",
    type=Text(),
    help="Numbers or names of queries.  [default: all]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def format_to_write(chosen: F | None, destination: Path | None, known: Sequence[F]) -> F | None:
    """The format that a file is to be written in, or standard output.

    Parameters
    ----------
    chosen
        What ``--format`` says, or None.
    destination
        The file, or None for standard output. Its suffix is a format; without one the first of
        the known is taken.
    known
        The formats that a file may have; ``parquet`` is not written to a terminal.

    Returns
    -------
    The format, or None for standard output where nothing was chosen.

    Raises
    ------
    click.UsageError
        If the option and the suffix disagree, or the suffix is of another format.
    """
    if destination is None:
        if chosen == "parquet" and sys.stdout.isatty():
            raise click.UsageError("parquet is not for a terminal: expected --to FILE, or a pipe")
        return chosen
    suffix = destination.suffix.lower().removeprefix(".")
    told = next((name for name in known if name == suffix), None)
    if chosen is not None and chosen not in known:
        raise click.UsageError(f"--format {chosen} goes without --to: expected {', '.join(known)}")
    if chosen is not None and told is not None and chosen != told:
        raise click.UsageError(f"--format {chosen} clashes with the suffix of {destination}")
    if chosen is None and suffix and told is None:
        suffixes = ", ".join(f".{name}" for name in known)
        raise click.UsageError(
            f"the suffix of {destination} is of no format: expected one of {suffixes}, or --format"
        )
    return chosen or told or known[0]


def quantity(parser: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that reads an option with a function of :mod:`neuralake.quantities`."""

    def parse(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        from neuralake import quantities

        try:
            return None if text is None else getattr(quantities, parser)(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, parameter) from None

    return parse


engines_option = click.option(
    "--engines", metavar="A,B,…", help="Engines, in order.  [default: polars,datafusion,spark]"
)
engine_options_option = click.option(
    "--engine", "options", multiple=True, metavar="NAME:KEY=VALUE", help="A setting of an engine."
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    metavar="DURATION",
    callback=quantity("parse_duration"),
    help="Longest execution of a query: seconds, or such as 5m, 2h.  [default: none]",
)
memory_limit_option = click.option(
    "--memory-limit",
    "memory_bytes",
    metavar="SIZE",
    callback=quantity("parse_size"),
    help="Memory of an engine's processes together, such as 4g.  [default: none]",
)
catalog_option = click.option(
    "--catalog",
    "source",
    metavar="FILE|MODULE",
    type=Location(),
    help="Python file or module with your tables.",
)


def resume_option(what: str) -> Callable[[C], C]:
    """``--resume``, of a run that goes on with what was under way.

    Parameters
    ----------
    what
        A round, a phase or a repetition.
    """
    return click.option(
        "--resume",
        type=Location(),
        metavar="RUN",
        help=f"Go on with an interrupted run, at the {what} that was interrupted.",
    )


def refuse_beside_resume(ctx: click.Context) -> None:
    """Refuse options that a run which goes on has already."""
    typed = click.core.ParameterSource.COMMANDLINE
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in ("resume", "as_json") and ctx.get_parameter_source(name) is typed:
            raise click.UsageError(
                f"{parameter.opts[0]} does not go with --resume: "
                "the run goes on with the options that it began with"
            )
