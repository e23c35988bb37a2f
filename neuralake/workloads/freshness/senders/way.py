"""The way of a round's records: where producers send, and where the writer reads."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from neuralake.results.freshness.records import Key, Load
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
def open_way(load: Load, key: Key) -> Iterator[Way]:
    """The way of a round: with Kafka a topic of its own, and a broker where none is named.

    Parameters
    ----------
    load
        What is offered.
    key
        Of the round.

    Raises
    ------
    BrokerError
        If a broker cannot be started, or the topic not be made.
    """
    if load.source == "kafka":
        with _kafka(load, key) as way:
            yield way
        return
    from neuralake.workloads.freshness.senders.by_flight import end_of

    yield Way("flight://127.0.0.1:0", end_of)


@contextmanager
def _kafka(load: Load, key: Key) -> Iterator[Way]:
    from neuralake.broker.errors import BrokerError
    from neuralake.broker.server import Broker
    from neuralake.broker.topics import delete_topic, make_topic
    from neuralake.workloads.freshness.senders.by_kafka import end_of

    topic = f"{key.stem.replace('+', '-')}-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        brokers, pids = load.brokers, {}
        if brokers is None:
            broker = stack.enter_context(Broker())
            brokers, pids = broker.address, {"broker": broker.pid}
        make_topic(brokers, topic, partitions=load.producers)
        try:
            yield Way(
                origin=f"kafka://{brokers}/{topic}",
                end_of=end_of,
                address=brokers,
                topic=topic,
                writer_options=("--from-beginning",),
                pids=pids,
            )
        finally:
            with suppress(BrokerError):  # a broker of ours is gone in a moment
                delete_topic(brokers, topic)
