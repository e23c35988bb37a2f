"""Options of a writer that reads Kafka, and what they come to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralake.cli.types import Location, Place, Text

if TYPE_CHECKING:
    from neuralake.config import Settings
    from neuralake.sources.kafka.options import KafkaOptions
    from neuralake.writer.destination import Destination
    from neuralake.writer.task import Letters

_NAMES = {
    "payload": "--payload",
    "group": "--group",
    "from_beginning": "--from-beginning",
    "from_timestamp": "--from-timestamp",
    "schema_registry": "--schema-registry",
    "avro_schema": "--avro-schema",
    "dead_letter_table": "--dead-letter-table",
    "skip_deleted": "--skip-deleted",
    "accept_new_topic": "--accept-new-topic",
}

KAFKA_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--payload",
        type=click.Choice(("json", "avro", "arrow")),
        help="What a message holds (kafka).  [default: json]",
    ),
    click.option(
        "--schema-registry",
        type=Text(),
        metavar="URL",
        help="Where the schemas of Avro's records are (kafka).",
    ),
    click.option(
        "--avro-schema",
        type=Place(),
        metavar="FILE",
        help="The schema of all of Avro's records, without a registry (kafka).",
    ),
    click.option(
        "--from-beginning",
        is_flag=True,
        help="Begin a topic that the table has nothing of at its first message (kafka).  "
        "[default: at its end]",
    ),
    click.option(
        "--from-timestamp",
        type=Text(),
        metavar="TIME",
        help="Or at the first message of a time such as 2026-11-26T01:00:00Z (kafka).",
    ),
    click.option(
        "--group",
        type=Text(),
        metavar="NAME",
        help="Group of consumers that share the topic (kafka).  [default: the table's own]",
    ),
    click.option(
        "--dead-letter-table",
        type=Location(),
        metavar="URI",
        help="Where messages go that are no rows (kafka).  [default: TABLE's with _dead_letters]",
    ),
    click.option(
        "--skip-deleted",
        is_flag=True,
        help="Go on where messages were deleted before they were read (kafka).",
    ),
    click.option(
        "--accept-new-topic",
        is_flag=True,
        help="Go on with a topic that was deleted and made anew (kafka).",
    ),
)


def check_no_kafka_options(options: dict[str, Any]) -> None:
    """Refuse options that say how Kafka is read, where another source is."""
    for name, option in _NAMES.items():
        if options[name]:
            raise click.UsageError(f"{option} goes with --from kafka://HOST:PORT/TOPIC")


def kafka_options(known: KafkaOptions, options: dict[str, Any]) -> KafkaOptions:
    """How a topic is read.

    Parameters
    ----------
    known
        With its address.
    options
        Of the command.

    Raises
    ------
    SourceError
        If the environment has a setting of Kafka's that is none, or a package is missing.
    """
    from neuralake.sources.kafka.options import Security
    from neuralake.sources.kafka.registry import check_registry
    from neuralake.sources.kafka.source import check_kafka_extra

    check_kafka_extra()
    Security.from_environ(os.environ)
    payload: Any = options["payload"] or "json"
    schema, registry = options["avro_schema"], options["schema_registry"]
    if payload != "avro" and (schema or registry):
        raise click.UsageError("--schema-registry and --avro-schema go with --payload avro")
    if payload == "avro" and bool(schema) == bool(registry):
        raise click.UsageError("--payload avro needs --schema-registry URL or --avro-schema FILE")
    if registry:
        check_registry(registry)
    if options["from_beginning"] and options["from_timestamp"]:
        raise click.UsageError("--from-beginning and --from-timestamp exclude each other")
    start: Any = "beginning" if options["from_beginning"] else "end"
    if options["from_timestamp"]:
        start = _moment_ms(options["from_timestamp"])
    return replace(
        known,
        payload=payload,
        group=options["group"],
        start=start,
        registry=registry,
        avro_schema=None if schema is None else _text_of(schema),
        is_skipping_deleted=options["skip_deleted"],
        is_accepting_new_topic=options["accept_new_topic"],
    )


def letters_of(destination: Destination, given: str | None, settings: Settings) -> Letters:
    """The table of dead letters: the one that is named, or the one beside the table."""
    from neuralake.config import absolute_uri
    from neuralake.writer.task import Letters

    if given is None:
        return Letters.beside(destination.uri, destination.storage_options)
    uri = absolute_uri(given).rstrip("/")
    return Letters(uri, settings.storage_options(uri))


def _moment_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.UsageError(
            f"--from-timestamp is {text!r}: expected a time with its offset, such as "
            "2026-11-26T01:00:00Z"
        )
    return round(moment.timestamp() * 1000)


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"--avro-schema {path} cannot be read: {reason}") from error
