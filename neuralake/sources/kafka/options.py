"""Which topic is read, from where on, and what its messages hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, TypeAlias

from neuralake.errors import SourceError
from neuralake.lists import names_in, require_once
from neuralake.sources.address import Address

Payload: TypeAlias = Literal["json", "avro", "arrow"]
Start: TypeAlias = Literal["end", "beginning"] | int
SCHEME = "kafka://"
# Apache Kafka, org.apache.kafka.common.internals.Topic
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_PREFIX = "NEURALAKE_KAFKA_"
REGISTRY_USER = f"{_PREFIX}REGISTRY_USER"
# Names of librdkafka's settings, in its CONFIGURATION.md, that say how a broker is reached
SECURITY = (
    *("security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"),
    *("sasl.kerberos.service.name", "sasl.kerberos.principal", "sasl.kerberos.keytab"),
    *("sasl.oauthbearer.method", "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret"),
    *("sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.scope"),
    *("ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.key.password"),
    *("ssl.endpoint.identification.algorithm", "enable.ssl.certificate.verification"),
)
# and those of a member of a group
INSTANCE = "group.instance.id"  # by which a reader is known that is started again
MEMBERSHIP = ("session.timeout.ms", INSTANCE, "client.rack")


@dataclass(frozen=True)
class TopicAddress:
    """A topic, and where it is.

    Attributes
    ----------
    brokers
        Any of the cluster, from which the others are learnt.
    topic
        Its name.
    """

    brokers: tuple[Address, ...]
    topic: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``kafka://host:port[,host:port]/topic``.

        Raises
        ------
        SourceError
            If it is none.
        """
        brokers, slash, topic = text.removeprefix(SCHEME).partition("/")
        if not slash or not _TOPIC.fullmatch(topic):
            raise SourceError(
                f"{text!r} names no topic: expected kafka://HOST:PORT/TOPIC, its name of letters, "
                "digits, '.', '_' and '-'"
            )
        addresses = tuple(Address.parse(broker) for broker in names_in(brokers))
        require_once(map(str, addresses), "broker", SourceError)
        return cls(addresses, topic)

    @property
    def servers(self) -> str:
        """As Kafka's clients take them."""
        return ",".join(map(str, self.brokers))

    def __str__(self) -> str:
        return f"{SCHEME}{self.servers}/{self.topic}"


@dataclass(frozen=True)
class KafkaOptions:
    """How a topic is read.

    Attributes
    ----------
    address
        The topic.
    payload
        What a message holds: an object of JSON, a record of Avro, or a stream of Arrow's.
    group
        Of consumers, who share the partitions among them; None is one of the table's own.
    start
        Where a topic begins of which the table has nothing yet: at its end, its beginning, or the
        first message of a moment, in milliseconds since 1970.
    registry
        URL of a schema registry, whose number of a schema is before each record of Avro.
    avro_schema
        Of all records of Avro, as JSON, where there is no registry.
    is_skipping_deleted
        Whether to go on where retention has deleted messages that were never read.
    is_accepting_new_topic
        Whether to go on with a topic that was deleted and made anew.
    was_reached
        Whether a process before this one has reached the brokers: they will be back.
    """

    address: TopicAddress
    payload: Payload = "json"
    group: str | None = None
    start: Start = "end"
    registry: str | None = None
    avro_schema: str | None = None
    is_skipping_deleted: bool = False
    is_accepting_new_topic: bool = False
    was_reached: bool = False


@dataclass(frozen=True)
class Security:
    """What lets in at brokers and registry; never shown.

    Attributes
    ----------
    settings
        Of librdkafka, by their names, for every client.
    membership
        The same, for who reads as one of a group.
    registry_user
        ``name:password`` for a schema registry.
    """

    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    membership: Mapping[str, str] = field(default_factory=dict)
    registry_user: str | None = field(default=None, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read ``NEURALAKE_KAFKA_…``, named as librdkafka's settings are.

        Raises
        ------
        SourceError
            If a variable is none of them.
        """
        found = {}
        known = (*SECURITY, *MEMBERSHIP)
        for name in sorted(environ):
            if name.startswith(_PREFIX) and name != REGISTRY_USER and environ[name]:
                setting = name.removeprefix(_PREFIX).lower().replace("_", ".")
                if setting not in known:
                    names = ", ".join((*map(variable_of, known), REGISTRY_USER))
                    raise SourceError(f"{name} is no setting: expected one of {names}")
                found[setting] = environ[name]
        return cls(
            {name: value for name, value in found.items() if name in SECURITY},
            {name: value for name, value in found.items() if name in MEMBERSHIP},
            environ.get(REGISTRY_USER) or None,
        )


def variable_of(setting: str) -> str:
    """The environment variable of one of librdkafka's settings."""
    return _PREFIX + setting.upper().replace(".", "_")
