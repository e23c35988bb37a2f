"""The table of dead letters: messages that are no rows of the table they were meant for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa

from neuralake.storage import one_line
from neuralake.writer.append import Writer
from neuralake.writer.errors import WriterError, WriterStorageError

_MOST_MS = (2**63 - 1) // 1000


class Letter(Protocol):
    """A message that could not be read."""

    @property
    def topic(self) -> str:
        """Where it was."""

    @property
    def partition(self) -> int:
        """Where in the topic."""

    @property
    def offset(self) -> int:
        """Where in the partition."""

    @property
    def timestamp_ms(self) -> int | None:
        """Its own time, in milliseconds since 1970."""

    @property
    def key(self) -> bytes | None:
        """As it came."""

    @property
    def value(self) -> bytes | None:
        """As it came."""

    @property
    def reason(self) -> str:
        """What is wrong with it."""


def letter_schema() -> pa.Schema:
    """Columns of the table."""
    return pa.schema(
        [
            pa.field("topic", pa.string(), nullable=False),
            pa.field("partition", pa.int32(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
            pa.field("timestamp", pa.timestamp("us", "UTC")),
            pa.field("key", pa.binary()),
            pa.field("value", pa.binary()),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("at", pa.timestamp("us", "UTC"), nullable=False),
        ]
    )


class DeadLetters:
    """Keeps letters, each once; the table is made for the first one.

    Parameters
    ----------
    uri, storage_options
        Where it lies, and what reaches it.
    deadline_s
        For how long a commit is tried.
    """

    def __init__(self, uri: str, storage_options: Mapping[str, str], deadline_s: float) -> None:
        self.uri = uri
        self._options = dict(storage_options)
        self._deadline_s = deadline_s
        self._writer: Writer | None = None
        self._lock = threading.Lock()

    def put(self, application: str, letters: Sequence[Letter]) -> int:
        """Keep letters of one partition, in the order of their offsets; durable on return.

        Parameters
        ----------
        application
            Under which the table remembers the offset that follows the last of them.
        letters
            Those that it has already are passed over.

        Returns
        -------
        int
            How many it did not have.

        Raises
        ------
        NeuralakeError
            If they cannot be kept, or somebody else keeps some of them at the same time.
        """
        with self._lock:
            writer = self._writer = self._writer or self._open()
            known = writer.refresh().transactions.get(application)
            position = 0 if known is None else known.version
            new = [letter for letter in letters if letter.offset >= position]
            if not new:
                return 0
            commit = writer.append(
                _rows(new),
                sequence=new[-1].offset + 1,
                after=position,
                application=application,
            )
            return 0 if commit.is_repeated else len(new)

    def close(self) -> None:
        """Keep nothing more."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()

    def _open(self) -> Writer:
        import deltalake
        from deltalake.exceptions import DeltaError

        try:
            if not deltalake.DeltaTable.is_deltatable(self.uri, self._options):
                deltalake.DeltaTable.create(
                    self.uri,
                    schema=deltalake.Schema.from_arrow(letter_schema()),
                    mode="ignore",
                    description="Messages that are no rows of the table beside this one",
                    storage_options=self._options,
                )
        except (DeltaError, OSError) as error:
            reason = one_line(error, self._options)
            raise WriterStorageError(f"{self.uri} cannot be made: {reason}") from error
        writer = Writer(self.uri, storage_options=self._options, deadline_s=self._deadline_s)
        if not set(letter_schema().names) <= set(writer.schema.names):
            raise WriterError(
                f"{self.uri} is no table of dead letters: expected the columns "
                f"{', '.join(letter_schema().names)}; name another with --dead-letter-table"
            )
        return writer


def _rows(letters: Sequence[Letter]) -> pa.Table:
    now = datetime.now(UTC)
    stamps = [_microseconds(one.timestamp_ms) for one in letters]
    columns = [
        [one.topic for one in letters],
        [one.partition for one in letters],
        [one.offset for one in letters],
        stamps,
        [one.key for one in letters],
        [one.value for one in letters],
        [one.reason for one in letters],
        [now] * len(letters),
    ]
    schema = letter_schema()
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _microseconds(milliseconds: int | None) -> int | None:
    """A time as the table has it; None of one that a producer made up beyond what that can hold."""
    if milliseconds is None or not -_MOST_MS <= milliseconds <= _MOST_MS:
        return None
    return milliseconds * 1000
