"""What a pipeline is made of, and where each part is."""

from __future__ import annotations

from dataclasses import dataclass

from neuralake.sources.address import Address
from neuralake.writer.destination import Destination


@dataclass(frozen=True)
class Plan:
    """A pipeline as it is asked for.

    Attributes
    ----------
    destination
        The table, which is made if it is not there and its columns are declared.
    catalog
        File or module in which it is declared; what the API serves.
    source
        ``kafka://broker/topic`` that is read; None starts a broker, and sends it events.
    rate
        Events a second.
    partitions
        Of the topic that is made.
    duration_s
        How long events are sent; None until it is told to stop.
    listen
        Where the API listens.
    moment
        Column of the table with the moment of an event, from which the age of an answer counts.
    """

    destination: Destination
    catalog: str
    listen: Address
    source: str | None = None
    rate: float = 10_000.0
    partitions: int = 2
    duration_s: float | None = None
    moment: str | None = None


@dataclass(frozen=True)
class Places:
    """Where the parts of a running pipeline are.

    Attributes
    ----------
    source
        The topic.
    table
        The table.
    api
        The API.
    """

    source: str
    table: str
    api: str
