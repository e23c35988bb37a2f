"""Senders by the name of their source."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.errors import FreshnessError
from neuralake.results.freshness.records import SourceName
from neuralake.workloads.freshness.senders.protocol import Acknowledge, Sender


def open_senders(
    source: SourceName, address: str, table: str, acknowledge: Sequence[Acknowledge]
) -> list[Sender]:
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
    check_source(source)
    from neuralake.workloads.freshness.senders.by_flight import FlightSender

    return [FlightSender(address, table, p, told) for p, told in enumerate(acknowledge)]


def check_source(source: SourceName) -> None:
    """Refuse a source that cannot be used here.

    Raises
    ------
    FreshnessError
        With what is missing.
    """
    if source == "kafka":
        raise FreshnessError("source kafka is not available here")
