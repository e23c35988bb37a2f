"""Answers on their way to clients: in messages that every client takes, ended when one goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import flight

from neuralake.errors import ServingError
from neuralake.serving.answers import Answer, CancelledError, LimitError
from neuralake.serving.flight_sql.errors import as_flight_errors

# Clients take messages of 4 MiB or more (gRPC's default), 16 MiB those of ADBC
_MOST_BYTES = 2 << 20
_PERIOD_S = 0.05


@dataclass
class _Sending:
    """An answer on its way; ``ended`` is why it goes no further."""

    context: flight.ServerCallContext
    answer: Answer
    deadline_s: float
    ended: ServingError | None = None

    def end(self, reason: ServingError) -> None:
        """Free what the answer holds, even while who sends it waits for its client to read on."""
        if self.ended is None:
            self.ended = reason
            self.answer.close()


class Streams:
    """Answers that are being sent, looked after until their clients have them or are gone.

    Parameters
    ----------
    time_s
        How long one may be on its way; a client that reads no further holds nothing after it.
    """

    def __init__(self, time_s: float) -> None:
        self._time_s = time_s
        self._lock = threading.Lock()
        self._running: dict[int, _Sending] = {}
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="flight-sql-watch", daemon=True)
        self._thread.start()

    def send(self, context: flight.ServerCallContext, answer: Answer) -> Iterator[pa.RecordBatch]:
        """The batches of an answer, none larger than clients take."""
        sending = _Sending(context, answer, time.monotonic() + self._time_s)
        with self._lock:
            self._running[id(sending)] = sending
        try:
            with as_flight_errors():
                yield from self._parts(sending)
        finally:
            with self._lock:  # the context is not to be asked after its call
                del self._running[id(sending)]
            answer.close()

    def close(self) -> None:
        """End what is on its way."""
        self._is_closed.set()
        self._thread.join()

    def _parts(self, sending: _Sending) -> Iterator[pa.RecordBatch]:
        try:
            for batch in sending.answer:
                for part in sized(batch):
                    yield part
                    if sending.ended is not None:
                        raise sending.ended
        except ServingError as error:  # what an answer says that was closed is no reason
            raise sending.ended or error from None

    def _watch(self) -> None:
        while not self._is_closed.wait(_PERIOD_S):
            self._look()
        with self._lock:
            for sending in self._running.values():
                sending.end(CancelledError("the server ends"))

    def _look(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            for sending in self._running.values():
                if sending.context.is_cancelled():
                    sending.end(CancelledError("the client has gone"))
                elif now_s > sending.deadline_s:
                    sending.end(LimitError("time", f"it took more than {self._time_s:g} s"))


def sized(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in parts of a bounded size, but for a row that is larger by itself."""
    if batch.nbytes <= _MOST_BYTES or batch.num_rows <= 1:
        yield batch
        return
    rows = max(1, batch.num_rows * _MOST_BYTES // batch.nbytes)
    for place in range(0, batch.num_rows, rows):
        part = batch.slice(place, rows)
        if part.nbytes > 2 * _MOST_BYTES and part.num_rows < batch.num_rows:  # rows of unlike sizes
            yield from sized(part)
        else:
            yield part
