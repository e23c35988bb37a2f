"""Batches that workers are given, by number: each is written to shared memory once."""

from __future__ import annotations

import os
import threading
import weakref
from itertools import count

import pyarrow as pa

from neuralake.serving.fence.wire import share


class SharedBatches:
    """Numbers and open files of batches, for as long as the batches live; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count()
        self._found: dict[int, tuple[int, int]] = {}  # by the batch's identity: number, descriptor
        self._descriptors: dict[int, int] = {}

    def number(self, batch: pa.RecordBatch) -> int:
        """The number of a batch, which is shared if it was not."""
        with self._lock:
            known = self._found.get(id(batch))
            if known is not None:
                return known[0]
            descriptor = share(batch)
            number = next(self._numbers)
            self._found[id(batch)] = number, descriptor
            self._descriptors[number] = descriptor
            weakref.finalize(batch, self._forget, id(batch)).atexit = False
            return number

    def descriptor(self, number: int) -> int:
        """A copy of the open file of a batch that lives; the caller closes it."""
        with self._lock:
            return os.dup(self._descriptors[number])

    def _forget(self, identity: int) -> None:
        # Of a garbage collection, which may come while the lock is held by this very thread
        number, descriptor = self._found.pop(identity)
        del self._descriptors[number]
        os.close(descriptor)
