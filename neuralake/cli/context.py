"""What commands have in common: settings, datasets, results, and how answers are printed."""

from __future__ import annotations

import errno
import functools
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from neuralake.cli.docstrings import restore_help

if TYPE_CHECKING:
    from rich.console import Console

    from neuralake.catalog.catalog import Catalog
    from neuralake.config import Settings
    from neuralake.report.placing import Report
    from neuralake.results.store import RunStore
    from neuralake.workloads.places import Target

WIDTH_WITHOUT_TERMINAL = 140


def checked(command: click.Command) -> click.Command:
    """Let a command, and all commands of a group, check the environment before anything else.

    What it warns of is a line on standard error. Help is given whatever the environment says.
    """
    restore_help(command)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            checked(inner)
    elif command.callback is not None:
        callback = command.callback

        @functools.wraps(callback)
        def check_and_run(*arguments: Any, **options: Any) -> Any:
            from neuralake.config import check_environment

            check_environment(os.environ)
            with _deprecations_told():
                return callback(*arguments, **options)

        command.callback = check_and_run
    return command


def read_settings() -> Settings:
    """Settings from the environment."""
    from neuralake.config import Settings

    return Settings.from_environ(os.environ)


def tell_report(write: Callable[[], Report], *, as_json: bool, is_needed: bool = False) -> None:
    """Write the report of what is measured and kept, and say where it is, or why there is none.

    Parameters
    ----------
    write
        Writes it.
    as_json
        Whether standard output has JSON, and nothing else.
    is_needed
        Whether it is what was asked for.

    Raises
    ------
    ResultsError
        If it is needed and cannot be written.
    """
    from neuralake.errors import ResultsError
    from neuralake.report.text import one_line

    try:
        written = write()
    except ResultsError as error:
        if is_needed:
            raise
        click.echo(f"neuralake: no report: {one_line(str(error))}", err=True)
    else:
        if not as_json:
            click.echo(f"report: {written.html}")


@contextmanager
def _deprecations_told() -> Iterator[None]:
    """Say on standard error, in a line each and once, which tables that are used had better not."""
    from neuralake.errors import DeprecatedTableWarning

    told: set[str] = set()
    as_ever = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        from neuralake.report.text import one_line

        if not issubclass(category, DeprecatedTableWarning):
            as_ever(message, category, filename, lineno, file, line)
        elif (text := one_line(str(message))) not in told:
            told.add(text)
            click.echo(f"neuralake: {text}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DeprecatedTableWarning)
        warnings.showwarning = show
        yield


def open_store() -> RunStore:
    """The runs under the results root."""
    from neuralake.results.store import RunStore

    return RunStore(read_settings().results_root)


def load_tables(
    source: str | None, scale_factor: float | None = None, dataset: str | None = None
) -> Catalog:
    """The user's catalog, or TPC-H's tables where the options place them."""
    from neuralake.catalog.load import load_catalog
    from neuralake.config import absolute_uri
    from neuralake.tpch.dataset import dataset_catalog, dataset_uri

    settings = read_settings()
    if source is None:
        check_workload_options(None, None, scale_factor, dataset)
        size = 1.0 if scale_factor is None else scale_factor
        uri = absolute_uri(dataset) if dataset else dataset_uri(settings, size)
        return dataset_catalog(uri, settings)
    if scale_factor is not None or dataset is not None:
        raise click.UsageError("--catalog goes without --scale-factor and --dataset")
    return load_catalog(source, settings)


def check_workload_options(
    own: str | None, source: str | None, scale_factor: float | None, dataset: str | None
) -> None:
    """Refuse options that do not go together: of TPC-H, and of a workload of the user's."""
    from neuralake.workloads.opening import clash

    def spelled(name: str) -> str:
        return f"--{name.replace('_', '-')}"

    said = clash(spelled, own=own, catalog=source, scale_factor=scale_factor, dataset=dataset)
    if said is not None:
        raise click.UsageError(said)


def place_of_copies(settings: Settings, place: str | None, uri: str, name: str) -> Target:
    """Where a run has copies of tables: on disk or on object storage as the tables are.

    Parameters
    ----------
    settings
        Of the environment.
    place
        What ``--to`` says, or None.
    uri
        Of the dataset, or of a table.
    name
        Of the directory where nothing is said: in the storage root, or beside the tables.
    """
    from neuralake.config import absolute_uri, is_remote, join_uri
    from neuralake.workloads.places import Target

    root = absolute_uri(settings.storage_root)
    if is_remote(root) == is_remote(uri):
        beside = join_uri(root, name)
    else:
        beside = f"{uri.rstrip('/')}-{name}"
    chosen = absolute_uri(place) if place else beside
    return Target(chosen, settings.storage_options(chosen) if is_remote(chosen) else {})


def make_console(*, stderr: bool = False) -> Console:
    """A console; it is wide where there is no terminal."""
    from rich.console import Console

    from neuralake.report.colour import console_options

    class PipedConsole(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the command line: rich would silence standard output and exit with 1.

            Nobody's reading the progress is no reason to end a measurement.
            """
            self.quiet = True
            if not stderr:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    console = PipedConsole(**console_options(stderr=stderr))
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def print_json(value: Any) -> None:
    """Print records as JSON."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
