"""What an answer has taken so far, held against its limits."""

from __future__ import annotations

import threading
import time

import pyarrow as pa

from neuralake.serving.answers import CancelledError, LimitError, Limits


class Meter:
    """Counts the batches of one answer; may be cancelled from any thread.

    Parameters
    ----------
    limits
        Of the request, whose time begins now.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.deadline_s = time.monotonic() + limits.time_s
        self.cancelled = threading.Event()
        self._rows = 0
        self._bytes = 0

    def begin(self) -> None:
        """Let the time of the request begin only now."""
        self.deadline_s = time.monotonic() + self.limits.time_s

    def check(self) -> None:
        """Raise if the request was cancelled, or its time is over."""
        if self.cancelled.is_set():
            raise CancelledError("the request was cancelled")
        if time.monotonic() > self.deadline_s:
            raise LimitError("time", f"it took more than {self.limits.time_s:g} s")

    def count(self, batch: pa.RecordBatch) -> None:
        """Count a batch, and raise if it is one too many.

        Raises
        ------
        LimitError, CancelledError
            If a limit was reached, or the request cancelled.
        """
        self.check()
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows > self.limits.rows:
            raise LimitError("rows", f"the answer has more than {self.limits.rows} rows")
        if self._bytes > self.limits.bytes:
            raise LimitError("bytes", f"the answer has more than {self.limits.bytes} bytes")
