"""Senders by the name of their source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuralake.results.freshness.records import SourceName
from neuralake.workloads.freshness.senders.protocol import Acknowledge, Sender


def check_source(source: SourceName) -> None:
    """Refuse a source that cannot be used here.

    Raises
    ------
    SourceError
        With the line that installs what is missing.
    """
    if source == "kafka":
        from neuralake.sources.kafka.source import check_kafka_extra

        check_kafka_extra()


def open_senders(
    source: SourceName, address: str, table: str, acknowledge: Sequence[Acknowledge]
) -> list[Sender[Any]]:
    """A sender for each producer.

    Parameters
    ----------
    source
        Through which records come to the writer.
    address
        Where they are sent to.
    table
        Name of the table, or of the topic.
    acknowledge
        What each producer is told by.
    """
    if source == "kafka":
        from neuralake.workloads.freshness.senders.by_kafka import KafkaClient, KafkaSender

        client = KafkaClient(address)
        return [KafkaSender(client, table, p, told) for p, told in enumerate(acknowledge)]
    from neuralake.workloads.freshness.senders.by_flight import FlightSender

    return [FlightSender(address, table, p, told) for p, told in enumerate(acknowledge)]
