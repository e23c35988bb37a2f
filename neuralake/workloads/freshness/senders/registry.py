"""Senders by the name of their source."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from neuralake.errors import FreshnessError
from neuralake.results.freshness.records import SourceName
from neuralake.workloads.freshness.senders.protocol import Acknowledge, Sender

_REACH_S = 5.0


def check_source(source: SourceName, brokers: str | None) -> None:
    """Refuse a source that cannot be used here.

    Parameters
    ----------
    source
        Through which records come to the writer.
    brokers
        Of Kafka, if they are named.

    Raises
    ------
    SourceError
        With the line that installs what is missing, or if the brokers are written otherwise.
    FreshnessError
        If nobody listens where they are to be.
    """
    if source != "kafka":
        return
    from neuralake.sources.kafka.options import TopicAddress
    from neuralake.sources.kafka.source import check_kafka_extra

    check_kafka_extra()
    if brokers is None:
        return
    said = ""
    for broker in TopicAddress.parse(f"kafka://{brokers}/topic").brokers:
        try:
            socket.create_connection((broker.host, broker.port), _REACH_S).close()
        except OSError as error:
            said = error.strerror or str(error)
        else:
            return
    raise FreshnessError(
        f"no broker answers at {brokers}: {said}; without --brokers one is started"
    )


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
