"""The way of a round's records: where producers send, and where the writer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from neuralake.errors import FreshnessError
from neuralake.results.freshness.records import Load
from neuralake.workloads.freshness.commits import EndOf


@dataclass(frozen=True)
class Way:
    """Between the producers and the writer.

    Attributes
    ----------
    origin
        The writer's ``--from``.
    end_of
        Of which producer a ``txn`` of the table tells, and up to where.
    address
        Where producers send to; None where the writer itself says so when it has started.
    topic
        That they send to; None where the table's own name is meant.
    writer_options
        What the writer is told besides.
    pids
        Processes in between, by name.
    """

    origin: str
    end_of: EndOf
    address: str | None = None
    topic: str | None = None
    writer_options: tuple[str, ...] = ()
    pids: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def open_way(load: Load) -> Iterator[Way]:
    """The way of a round.

    Parameters
    ----------
    load
        What is offered.
    """
    if load.source == "kafka":
        raise FreshnessError("source kafka is not available here")
    from neuralake.workloads.freshness.senders.by_flight import end_of

    yield Way("flight://127.0.0.1:0", end_of)
