"""Topics of a broker: made, and removed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neuralake.broker.errors import BrokerError

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_TIMEOUT_S = 60.0
_WAIT_S = 0.01


def make_topic(
    brokers: str, topic: str, partitions: int = 1, settings: Mapping[str, str] | None = None
) -> None:
    """Make a topic; it is there when this returns.

    Parameters
    ----------
    brokers
        ``host:port``, several with commas between them.
    topic
        Its name.
    partitions
        How many.
    settings
        Of the topic, such as ``retention.ms``.

    Raises
    ------
    BrokerError
        If it is there already, or the broker cannot be reached or refuses.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

    client = _client(brokers)
    new = NewTopic(topic, partitions, 1, config=dict(settings or {}))
    try:
        client.create_topics([new], operation_timeout=_TIMEOUT_S)[topic].result(_TIMEOUT_S)
        _wait_until_known(client, topic)
    except (KafkaException, TimeoutError) as error:
        raise BrokerError(f"topic {topic} cannot be made at {brokers}: {_words(error)}") from error


def _wait_until_known(client: AdminClient, topic: str) -> None:
    """The controller has made it, and those who answer clients hear of that a little later."""
    end_s = time.monotonic() + _TIMEOUT_S
    while client.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].error is not None:
        if time.monotonic() > end_s:
            raise TimeoutError(f"no broker knows it after {_TIMEOUT_S:g} s")
        time.sleep(_WAIT_S)


def delete_topic(brokers: str, topic: str) -> None:
    """Remove a topic with all that is in it.

    Raises
    ------
    BrokerError
        If there is none, or the broker cannot be reached or refuses.
    """
    from confluent_kafka import KafkaException

    client = _client(brokers)  # what waits for it does not keep it
    try:
        client.delete_topics([topic], operation_timeout=_TIMEOUT_S)[topic].result(_TIMEOUT_S)
    except (KafkaException, TimeoutError) as error:
        raise BrokerError(
            f"topic {topic} cannot be removed at {brokers}: {_words(error)}"
        ) from error


def _client(brokers: str) -> AdminClient:
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": brokers, "log_level": 0})


def _words(error: Exception) -> str:
    from confluent_kafka import KafkaError

    first = error.args[0] if error.args else error
    return str(first.str()) if isinstance(first, KafkaError) else str(first)
