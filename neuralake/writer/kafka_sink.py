"""A table as a topic's reader sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from neuralake.sources.kafka.reading import Letter
from neuralake.writer.append import Writer
from neuralake.writer.letters import DeadLetters

_TELL_EVERY_S = 10.0


class WriterSink:
    """The table of a writer, and its dead letters.

    Parameters
    ----------
    writer
        Of the table.
    letters
        What keeps messages that are no rows.
    tell
        Told of trouble.
    """

    def __init__(self, writer: Writer, letters: DeadLetters, tell: Callable[[str], None]) -> None:
        self._writer = writer
        self._letters = letters
        self._tell = tell
        self._untold = 0
        self._next_s = 0.0

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return self._writer.schema

    def committed(self) -> Mapping[str, int]:
        """What the table remembers now."""
        transactions = self._writer.refresh().transactions
        return {name: transaction.version for name, transaction in transactions.items()}

    def fit(self, batch: pa.RecordBatch) -> pa.Table:
        """Rows in the table's columns, its constraints verified."""
        return self._writer.conform(batch)

    def put_aside(self, application: str, letters: Sequence[Letter]) -> int:
        """Keep letters, each once, and say so now and then."""
        new = self._letters.put(application, letters)
        self._untold += new
        now_s = time.monotonic()
        if self._untold and now_s >= self._next_s:
            last = letters[-1]
            words = "message is" if self._untold == 1 else "messages are"
            self._tell(
                f"{self._untold} {words} put aside into {self._letters.uri}, the last from "
                f"partition {last.partition}, offset {last.offset}: {last.reason}"
            )
            self._untold, self._next_s = 0, now_s + _TELL_EVERY_S
        return new

    def tell(self, trouble: str) -> None:
        """Say what is wrong."""
        self._tell(trouble)
