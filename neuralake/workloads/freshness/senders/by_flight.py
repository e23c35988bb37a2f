"""Through Arrow Flight: a stream of ``DoPut`` a producer, answered when each batch is durable."""

from __future__ import annotations

import threading
from contextlib import suppress

import msgspec
import pyarrow as pa
from pyarrow import flight

from neuralake.errors import reason_of
from neuralake.workloads.freshness.events import SCHEMA
from neuralake.workloads.freshness.senders.protocol import Acknowledge

PREFIX = "neuralake-freshness-"


class FlightSender:
    """A stream of one producer.

    The number of a batch is that of its last record, so that the table's ``txn`` says up to where
    it has the producer's records.

    Parameters
    ----------
    address
        Of the writer, such as ``grpc://127.0.0.1:41000``.
    table
        Path of the descriptor.
    producer
        Its number.
    acknowledge
        Called for each batch that is durable.
    """

    def __init__(self, address: str, table: str, producer: int, acknowledge: Acknowledge) -> None:
        self._application = f"{PREFIX}{producer}"
        self._acknowledge = acknowledge
        self._client = flight.connect(address)
        descriptor = flight.FlightDescriptor.for_path(table)
        self._writer, self._answers = self._client.do_put(descriptor, SCHEMA)
        self._failure: str | None = None
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def prepare(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """They are sent as they are."""
        return records

    def send(self, prepared: pa.RecordBatch, first: int, end: int) -> None:
        """Put a batch into the stream; waits while the server takes nothing."""
        last = prepared["number"][end - 1].as_py()
        metadata = {"application": self._application, "sequence": last}
        batch = prepared.slice(first, end - first)
        self._writer.write_with_metadata(batch, msgspec.json.encode(metadata))

    def finish(self, longest_s: float) -> str | None:
        """End the stream, and wait until each batch is answered."""
        with suppress(pa.ArrowException):  # the answers say why
            self._writer.done_writing()
        self._listener.join(longest_s)
        if self._listener.is_alive():
            return f"the writer has not answered each batch within {longest_s:g} s"
        with suppress(pa.ArrowException):
            self._writer.close()
        with suppress(pa.ArrowException):
            self._client.close()
        return self._failure

    def _listen(self) -> None:
        try:
            while (content := self._answers.read()) is not None:
                answer = msgspec.json.decode(content.to_pybytes())
                if "error" in answer:
                    self._failure = str(answer["error"])
                    return
                self._acknowledge(answer["version"])
        except pa.ArrowException as error:
            self._failure = reason_of(error)


def end_of(application: str, version: int) -> tuple[int, int] | None:
    """Producer, and up to where the table has its records; None of no producer of ours."""
    number = application.removeprefix(PREFIX)
    if number == application or not number.isdecimal():
        return None
    return int(number), version + 1
