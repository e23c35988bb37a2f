"""What a process of the writer is to do: plain data, which the supervisor hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeAlias

from neuralake.errors import SourceError
from neuralake.sources.address import Address
from neuralake.sources.kafka.options import SCHEME, KafkaOptions, TopicAddress
from neuralake.writer.batching import BatchLimits

Role: TypeAlias = Literal["append", "compact", "vacuum"]
SourceKind: TypeAlias = Literal["stdin:arrow", "stdin:ndjson", "flight", "kafka"]
ROLES: tuple[Role, ...] = ("append", "compact", "vacuum")
TOKEN_VARIABLE = "NEURALAKE_WRITER_TOKEN"  # noqa: S105 - its name
_FLIGHT = "flight://"


@dataclass(frozen=True)
class Letters:
    """A table of dead letters.

    Attributes
    ----------
    uri, storage_options
        Where it lies, and what reaches it; the options are never shown.
    """

    uri: str
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def beside(cls, uri: str, storage_options: Mapping[str, str]) -> Self:
        """The one beside the table whose messages they are."""
        return cls(f"{uri}_dead_letters", storage_options)


@dataclass(frozen=True)
class SourceSpec:
    """Which source, and how it is reached.

    Attributes
    ----------
    kind
        ``stdin:arrow``, ``stdin:ndjson``, ``flight`` or ``kafka``.
    address
        Where a server listens.
    kafka
        Which topic is read, and how.
    dead_letters
        File for lines that are no rows; None ends the source at the first.
    letters
        The table for messages that are no rows.
    certificate, key
        Files in PEM for TLS.
    """

    kind: SourceKind
    address: Address | None = None
    kafka: KafkaOptions | None = None
    dead_letters: Path | None = None
    letters: Letters | None = None
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``stdin:arrow``, ``stdin:ndjson``, ``flight://…`` or ``kafka://…``.

        Raises
        ------
        SourceError
            If it is none of them.
        """
        if text in ("stdin:arrow", "stdin:ndjson"):
            return cls("stdin:arrow" if text == "stdin:arrow" else "stdin:ndjson")
        if text.startswith(_FLIGHT):
            return cls("flight", Address.parse(text.removeprefix(_FLIGHT)))
        if text.startswith(SCHEME):
            return cls("kafka", kafka=KafkaOptions(TopicAddress.parse(text)))
        raise SourceError(
            f"no source {text!r}: expected stdin:arrow, stdin:ndjson, flight://host:port or "
            "kafka://host:port/topic"
        )

    @property
    def is_read_once(self) -> bool:
        """Whether what was read of it cannot be read again."""
        return self.kind in ("stdin:arrow", "stdin:ndjson")

    @property
    def text(self) -> str:
        """As it is written."""
        if self.kafka is not None:
            return str(self.kafka.address)
        return self.kind if self.address is None else f"{_FLIGHT}{self.address}"

    def once_ready(self, address: str | None) -> Self:
        """The same for a process that follows one that was ready: at its port, say.

        Parameters
        ----------
        address
            Where that has listened.
        """
        if self.kafka is not None:
            return replace(self, kafka=replace(self.kafka, was_reached=True))
        if self.address is None or address is None:
            return self
        port = int(address.rpartition(":")[2])
        return replace(self, address=replace(self.address, port=port))


@dataclass(frozen=True)
class Task:
    """What a process is to do.

    Attributes
    ----------
    role
        ``append``, ``compact`` or ``vacuum``.
    table
        Name by which clients call it.
    uri, storage_options
        Where it lies, and what reaches it; the options are never shown.
    source, limits, deadline_s
        Of ``append``: where rows come from, how they are batched, and for how long a commit is
        tried, in seconds.
    is_evolving
        Of ``append``: whether columns that a batch has beyond the table are added to it.
    timings
        Of ``append``: file in which is kept how long each batch took; None keeps it nowhere.
    every_s
        Of ``compact`` and ``vacuum``: time between two runs, in seconds; None runs once.
    retention_s
        Of ``vacuum``: for how long a file is kept that no longer belongs to the table, in seconds;
        None keeps it for as long as the table's own property says.
    is_forced
        Of ``vacuum``: whether less than what readers need is meant.
    """

    role: Role
    table: str
    uri: str
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    source: SourceSpec | None = None
    limits: BatchLimits = field(default_factory=BatchLimits)
    deadline_s: float = 30.0
    is_evolving: bool = False
    timings: Path | None = None
    every_s: float | None = None
    retention_s: float | None = None
    is_forced: bool = False
