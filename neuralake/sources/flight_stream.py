"""One stream of batches that a Flight client puts, and the answers it is sent."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import flight

from neuralake.errors import NeuralakeError, SourceError, reason_of
from neuralake.sources.source import Committed, Delivery

_MOST_SEQUENCES = 2**63 - 1


class _Sender(msgspec.Struct, forbid_unknown_fields=True):
    """Metadata of a batch: who sends it, and its number."""

    application: str
    sequence: int


class FlightStream:
    """Answers to the batches of one stream, in their order.

    They are written by a thread of the stream's own: a client that does not read its answers before
    it has sent everything halts neither the reading of its stream nor any other client.

    Parameters
    ----------
    writer
        What answers are written to.

    Attributes
    ----------
    failure
        Why a batch was not committed; nothing after it is.
    """

    def __init__(self, writer: flight.FlightMetadataWriter) -> None:
        self._writer = writer
        self._changed = threading.Condition()
        self._answers: deque[dict[str, Any] | None] = deque()  # None until it is known
        self._answered = 0  # how many have left at the front
        self._taken = 0
        self._is_finished = False
        self._is_writing = False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._write_answers, daemon=True)
        self._thread.start()

    def delivery(self, batch: pa.RecordBatch, metadata: pa.Buffer | None) -> Delivery:
        """What is to be committed of a batch that has come.

        Raises
        ------
        SourceError
            If the batch is damaged, or its metadata says something else than a sender.
        """
        try:
            batch.validate(full=True)
        except pa.ArrowException as error:
            raise SourceError(f"the batch is damaged: {reason_of(error)}") from error
        sender = None if metadata is None or not metadata.size else _sender(metadata.to_pybytes())
        sequence = None if sender is None else sender.sequence
        with self._changed:
            place = self._taken
            self._taken += 1
            self._answers.append(None)
        return Delivery(
            batch,
            acknowledge=lambda commit: self._answer(
                place, _acknowledgment(commit, batch, sequence)
            ),
            fail=lambda error: self._fail(place, error, sequence),
            application=None if sender is None else sender.application,
            sequence=sequence,
            is_void=lambda: self.failure is not None,
        )

    def refuse(self, error: SourceError) -> None:
        """Answer a batch that is none."""
        with self._changed:
            place = self._taken
            self._taken += 1
            self._answers.append(None)
        self._fail(place, error, None)

    def withdraw(self) -> None:
        """Forget the last delivery, which nobody took."""
        with self._changed:
            self._taken -= 1
            self._answers.pop()
            self._changed.notify_all()

    def finish(self) -> None:
        """Return when every batch is answered, and the answers are written or cannot be."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()
        self._thread.join()

    def wait_until_answered(self, longest_s: float) -> bool:
        """Wait until no batch waits for its answer; False if it takes longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._answers and not self._is_writing, longest_s
            )

    def _fail(self, place: int, error: Exception, sequence: int | None) -> None:
        told = error if isinstance(error, NeuralakeError) else RuntimeError(reason_of(error))
        with self._changed:
            if self.failure is None:
                self.failure = told
        self._answer(place, {"error": reason_of(told)} | _numbered(sequence))

    def _answer(self, place: int, answer: dict[str, Any]) -> None:
        with self._changed:
            self._answers[place - self._answered] = answer
            self._changed.notify_all()

    def _write_answers(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: (
                        (self._answers and self._answers[0] is not None)
                        or (self._is_finished and not self._answers)
                    )
                )
                if not self._answers:
                    return
                answer = self._answers.popleft()
                self._answered += 1
                self._is_writing = True
            with suppress(pa.ArrowException, OSError):  # the client is gone
                self._writer.write(msgspec.json.encode(answer))


def _sender(metadata: bytes) -> _Sender:
    expected = 'expected JSON such as {"application": "rig-7", "sequence": 1}'
    try:
        sender = msgspec.json.decode(metadata, type=_Sender)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"the metadata of the batch: {reason_of(error)}: {expected}") from error
    if not sender.application or not 0 <= sender.sequence <= _MOST_SEQUENCES:
        raise SourceError(
            f"the metadata of the batch has application {sender.application!r} and sequence "
            f"{sender.sequence}: {expected}"
        )
    return sender


def _acknowledgment(
    commit: Committed, batch: pa.RecordBatch, sequence: int | None
) -> dict[str, Any]:
    return {
        "version": commit.version,
        "rows": batch.num_rows,
        "repeated": commit.is_repeated,
    } | _numbered(sequence)


def _numbered(sequence: int | None) -> dict[str, Any]:
    return {} if sequence is None else {"sequence": sequence}
