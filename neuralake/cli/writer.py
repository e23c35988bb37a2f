"""Write a table: rows from a source are appended, files compacted, and old ones removed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from neuralake.cli.context import make_console, print_json, read_settings
from neuralake.cli.kafka_options import (
    KAFKA_OPTIONS,
    check_no_kafka_options,
    kafka_options,
    letters_of,
)
from neuralake.cli.options import catalog_option, json_option, quantity
from neuralake.cli.types import Place, Text, Whole

if TYPE_CHECKING:
    from neuralake.writer.destination import Destination
    from neuralake.writer.events import Event, Tell
    from neuralake.writer.metrics import Totals
    from neuralake.writer.task import Role, SourceSpec, Task

C = TypeVar("C", bound=Callable[..., Any])

_WRITE = "write"  # what `neuralake writer TABLE` runs
_TABLE = click.argument("table", type=Text(), metavar="TABLE")


class _WriterGroup(click.Group):
    """Takes a table in place of a command: ``neuralake writer TABLE --from …``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front of a table, or of its options."""
        if args and args[0] not in (*self.commands, *self.get_help_option_names(ctx)):
            args = [_WRITE, *args]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The usage without a command, which is the common one."""
        return ["TABLE --from SOURCE [OPTIONS]", "or COMMAND TABLE [OPTIONS]"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of that usage, then the commands."""
        write = self.commands[_WRITE]
        click.Command.format_options(write, ctx, formatter)
        self.format_commands(ctx, formatter)


def _options(*options: Callable[[C], C]) -> Callable[[C], C]:
    """Several options, in the order of the help."""

    def add(command: C) -> C:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_source = _options(
    click.option(
        "--from",
        "origin",
        required=True,
        type=Text(),
        metavar="SOURCE",
        help="stdin:arrow, stdin:ndjson, flight://HOST:PORT (port 0 takes a free one) or "
        "kafka://HOST:PORT[,HOST:PORT]/TOPIC.",
    ),
    click.option(
        "--batch-rows",
        type=Whole(1, 10**8),
        default=100_000,
        show_default=True,
        metavar="N",
        help="Rows after which a batch is written.",
    ),
    click.option(
        "--batch-bytes",
        callback=quantity("parse_size"),
        default="64MiB",
        show_default=True,
        metavar="SIZE",
        help="Size in memory after which a batch is written.",
    ),
    click.option(
        "--batch-age",
        callback=quantity("parse_pause"),
        metavar="DURATION",
        help="Age of its oldest row after which a batch is written.  [default: as soon as that "
        "costs little, after 20ms at the latest]",
    ),
    click.option(
        "--waiting-bytes",
        callback=quantity("parse_size"),
        default="256MiB",
        show_default=True,
        metavar="SIZE",
        help="Size in memory of what was read and is not durable; the source waits beyond it.",
    ),
    click.option(
        "--deadline",
        callback=quantity("parse_duration"),
        default="30s",
        show_default=True,
        metavar="DURATION",
        help="How long a commit is tried while other writers are first.",
    ),
    click.option(
        "--evolve",
        is_flag=True,
        help="Add columns that a batch has beyond the table (stdin:arrow, flight).",
    ),
    click.option(
        "--dead-letters",
        type=Place(),
        metavar="FILE",
        help="Where lines go that are no rows (stdin:ndjson).  [default: the first one ends it]",
    ),
    click.option(
        "--tls-certificate", type=Place(), metavar="FILE", help="Certificate in PEM (flight)."
    ),
    click.option("--tls-key", type=Place(), metavar="FILE", help="Its key in PEM (flight)."),
    click.option(
        "--timings", type=Place(), metavar="FILE", help="Keep how long each batch took, in JSON."
    ),
    *KAFKA_OPTIONS,
)
_compaction = click.option(
    "--compact-every",
    callback=quantity("parse_pause"),
    default="1s",
    show_default=True,
    metavar="DURATION",
    help="Pause of compaction while there is nothing to do.",
)
_vacuuming = _options(
    click.option(
        "--vacuum-every",
        callback=quantity("parse_pause"),
        default="1h",
        show_default=True,
        metavar="DURATION",
        help="Time between two looks at all of the table, for files that no entry names.",
    ),
    click.option(
        "--retention",
        callback=quantity("parse_retention"),
        metavar="DURATION",
        help="How long files that were removed are kept for readers.  [default: the table's own]",
    ),
    click.option(
        "--force-short-retention",
        is_flag=True,
        help="Allow a retention below what readers of the table need.",
    ),
)
_once = click.option("--once", is_flag=True, help="Do it once, and end.")
_create = click.option(
    "--create", is_flag=True, help="Make a table that is not there, of its declared columns."
)
_metrics = click.option(
    "--metrics-port",
    type=Whole(0, 65535),
    metavar="PORT",
    help="Port on 127.0.0.1 for Prometheus; 0 takes a free one.  [default: none]",
)
_events = click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON lines.")


@click.group(cls=_WriterGroup, name="writer")
def writer() -> None:
    """Write rows into a Delta table, durable within milliseconds.

    Three processes: one appends what a source delivers, one compacts small files, one removes
    files that nothing needs any more. Each also runs alone, by its command. TABLE is a name in
    --catalog, or a path or URI. NEURALAKE_WRITER_TOKEN is the token that clients of flight show;
    NEURALAKE_KAFKA_… lets in at Kafka's brokers.
    """


@writer.command(_WRITE, hidden=True)
@_TABLE
@_source
@_compaction
@_vacuuming
@catalog_option
@_create
@click.option(
    "--restarts",
    type=Whole(0, 10**6),
    default=4,
    show_default=True,
    metavar="N",
    help="How often within a minute a process that died is started again.",
)
@_metrics
@_events
def write(table: str, restarts: int, **options: Any) -> int:
    """Append, compact and vacuum, under one supervisor."""
    return _run(table, ("append", "compact", "vacuum"), restarts, options)


@writer.command()
@_TABLE
@_source
@catalog_option
@_create
@_metrics
@_events
def append(table: str, **options: Any) -> int:
    """Append what a source delivers, and nothing else."""
    return _run(table, ("append",), 0, options)


@writer.command()
@_TABLE
@_compaction
@_once
@catalog_option
@_metrics
@_events
def compact(table: str, **options: Any) -> int:
    """Put small files together, write checkpoints, and clean up the log."""
    return _run(table, ("compact",), 0, options)


@writer.command()
@_TABLE
@_vacuuming
@_once
@catalog_option
@_metrics
@_events
def vacuum(table: str, **options: Any) -> int:
    """Remove files that neither the table nor its readers need any more."""
    return _run(table, ("vacuum",), 0, options)


@writer.command()
@_TABLE
@catalog_option
@json_option
def status(table: str, source: str | None, as_json: bool) -> None:
    """Show a table as its writers see it, and what they did last."""
    from neuralake.report.writing import print_status
    from neuralake.writer.status import read_status

    settings = read_settings()
    found = read_status(_destination(table, source), settings.cache_directory)
    if as_json:
        print_json(found)
    else:
        print_status(found, make_console())


def _run(table: str, roles: Sequence[Role], restarts: int, options: dict[str, Any]) -> int:
    """Run some processes of a writer, and return the exit status."""
    from neuralake.report.text import one_line
    from neuralake.writer.destination import check_destination, create_destination
    from neuralake.writer.metrics import Totals
    from neuralake.writer.run import run_writer
    from neuralake.writer.stopping import Stopping
    from neuralake.writer.supervise import Patience
    from neuralake.writer.timings import check_place

    destination = _destination(table, options["source"])
    spec = _source_spec(options, destination) if "append" in roles else None
    if options.get("create"):
        create_destination(destination)
    check_destination(destination)
    if options.get("timings") is not None:
        check_place(options["timings"])
    stopping = Stopping()
    stopping.on_signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    totals = Totals(destination.name)
    with _printing(totals, as_json=options["as_json"]) as tell:
        ending = run_writer(
            [_task(role, destination, spec, options) for role in roles],
            tell,
            stopping,
            totals=totals,
            patience=Patience(deaths=restarts + 1),
            metrics_port=options["metrics_port"],
            places=read_settings().cache_directory,
        )
    if ending.reason:
        click.echo(f"neuralake: {one_line(ending.reason)}", err=True)
    return ending.status


def _destination(table: str, source: str | None) -> Destination:
    from neuralake.catalog.load import load_catalog
    from neuralake.writer.destination import find_destination

    settings = read_settings()
    catalog = None if source is None else load_catalog(source, settings)
    return find_destination(table, catalog, settings)


def _source_spec(options: dict[str, Any], destination: Destination) -> SourceSpec:
    """The source that the options name, and what belongs to its kind."""
    from neuralake.writer.task import SourceSpec

    spec = SourceSpec.parse(options["origin"])
    letters, certificate = options["dead_letters"], options["tls_certificate"]
    if letters is not None and spec.kind != "stdin:ndjson":
        raise click.UsageError("--dead-letters goes with --from stdin:ndjson")
    for name in ("dead_letters", "timings"):
        place = options[name]
        if place is not None and destination.holds(place):
            raise click.UsageError(
                f"--{name.replace('_', '-')} {place} lies in the table, of which vacuum removes "
                "what is no file of its rows: expected another place"
            )
    if options["evolve"] and spec.kind in ("stdin:ndjson", "kafka"):
        raise click.UsageError("--evolve goes with --from stdin:arrow or flight://HOST:PORT")
    if (certificate is None) != (options["tls_key"] is None):
        raise click.UsageError("--tls-certificate and --tls-key go together")
    if certificate is not None and spec.kind != "flight":
        raise click.UsageError("--tls-certificate goes with --from flight://HOST:PORT")
    if spec.kafka is not None:
        table = letters_of(destination, options["dead_letter_table"], read_settings())
        return replace(spec, kafka=kafka_options(spec.kafka, options), letters=table)
    check_no_kafka_options(options)
    return replace(spec, dead_letters=letters, certificate=certificate, key=options["tls_key"])


def _task(
    role: Role, destination: Destination, spec: SourceSpec | None, options: dict[str, Any]
) -> Task:
    from neuralake.writer.batching import SHARE, BatchLimits
    from neuralake.writer.task import Task

    task = Task(role, destination.name, destination.uri, destination.storage_options)
    if role == "append":
        age_s = options["batch_age"]
        limits = BatchLimits(
            rows=options["batch_rows"],
            size_bytes=options["batch_bytes"],
            waiting_bytes=options["waiting_bytes"],
        )
        limits = replace(limits, **({"share": SHARE} if age_s is None else {"age_s": age_s}))
        return replace(
            task,
            source=spec,
            limits=limits,
            deadline_s=options["deadline"],
            is_evolving=options["evolve"],
            timings=options["timings"],
        )
    every_s = None if options.get("once") else options[f"{role}_every"]
    if role == "compact":
        return replace(task, every_s=every_s)
    return replace(
        task,
        every_s=every_s,
        retention_s=options["retention"],
        is_forced=options["force_short_retention"],
    )


@contextmanager
def _printing(totals: Totals, *, as_json: bool) -> Iterator[Tell]:
    """Events as lines for people on standard error, or as JSON lines on standard output."""
    from neuralake.report.line import line_of
    from neuralake.writer.run import in_words, progress

    if as_json:
        yield _print_event
        return
    line = line_of(make_console(stderr=True))

    def tell(event: Event) -> None:
        if event.kind == "figures":
            line.show(progress(totals))
        elif event.text and event.kind != "ended":  # why it ended is said when all have
            line.say(in_words(event))

    try:
        yield tell
    finally:
        line.close()


def _print_event(event: Event) -> None:
    import msgspec

    if event.kind == "figures":
        return
    told = {"at": event.at, "process": event.role, "event": event.kind, "text": event.text}
    with suppress(BrokenPipeError):  # who listened is gone: that is no reason to end
        click.echo(msgspec.json.encode(told | dict(event.facts)).decode())
