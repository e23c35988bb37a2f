"""Answers on their way to clients: in messages that every client takes, ended when one goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pyarrow as pa
from pyarrow import flight

from neuralake.serving.answers import Answer
from neuralake.serving.flight_sql.errors import as_flight_errors

# Clients take messages of 4 MiB or more (gRPC's default), 16 MiB those of ADBC
_MOST_BYTES = 2 << 20
_PERIOD_S = 0.05


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
        self._running: dict[int, tuple[flight.ServerCallContext, Answer, float]] = {}
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="flight-sql-watch", daemon=True)
        self._thread.start()

    def send(self, context: flight.ServerCallContext, answer: Answer) -> Iterator[pa.RecordBatch]:
        """The batches of an answer, none larger than clients take."""
        key = id(answer)
        try:
            with as_flight_errors():
                with self._lock:
                    deadline_s = time.monotonic() + self._time_s
                    self._running[key] = (context, answer, deadline_s)
                for batch in answer:
                    yield from sized(batch)
        finally:
            with self._lock:  # the context is not to be asked after its call
                self._running.pop(key, None)
            answer.close()

    def close(self) -> None:
        """Cancel what is on its way."""
        self._is_closed.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_closed.wait(_PERIOD_S):
            self._look()
        with self._lock:
            for _, answer, _ in self._running.values():
                answer.cancel()
                answer.close()

    def _look(self) -> None:
        """Free what an answer holds, even while who sends it waits for its client to read on."""
        now_s = time.monotonic()
        with self._lock:
            for context, answer, deadline_s in self._running.values():
                is_gone = context.is_cancelled()
                if is_gone:
                    answer.cancel()
                if is_gone or now_s > deadline_s:
                    answer.close()


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
