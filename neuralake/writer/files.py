"""Makes the data files of batches: encoded, written, durable, and deleted again if in vain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pyarrow as pa

from neuralake.delta.state import TableState, is_newest_there
from neuralake.delta.store import Store
from neuralake.writer.encode import EncodedFile
from neuralake.writer.errors import BatchError
from neuralake.writer.waiting import Waiting, distinct_files, fail_all

_FILES_AT_ONCE = 8


class FileMaker:
    """Makes files of one table; safe for many threads.

    Parameters
    ----------
    store
        Of the table.
    failure
        What an append raises for an error of the store.

    Attributes
    ----------
    seen
        A version whose entry was there when a file was written; None if nobody looked.
    """

    def __init__(self, store: Store, failure: Callable[[BaseException], BaseException]) -> None:
        self._store = store
        self._failure = failure
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self.seen: int | None = None

    def close(self) -> None:
        """End the threads."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None

    def make(self, group: Sequence[Waiting], state: TableState) -> None:
        """Encode and write the rows of some batches, together; one that cannot be fails.

        Parameters
        ----------
        group
            Batches of one plan.
        state
            The newest known of the table: where the store is remote, its entry is looked for
            beside the writing.
        """
        plan = group[0].plan
        begin = time.perf_counter_ns()
        rows = group[0].rows
        if len(group) > 1:
            rows = pa.concat_tables([waiting.rows for waiting in group])
        files: list[EncodedFile] = []
        try:
            files = plan.encode(rows)
            encoded = time.perf_counter_ns()
            self._write(files, state)
        except BatchError as error:
            if len(group) > 1:  # whose fault it is comes out alone
                for waiting in group:
                    self.make([waiting], state)
            else:
                group[0].fail(error)
            return
        except OSError as error:
            self._delete(files)
            fail_all(group, self._failure(error))
            return
        written = time.perf_counter_ns()
        for waiting in group:
            waiting.files = files
            waiting.encode_ns = encoded - begin
            waiting.write_ns = written - encoded

    def _write(self, files: Sequence[EncodedFile], state: TableState) -> None:
        if not self._store.is_remote and len(files) <= 1:
            for file in files:
                self._store.write(file.path, file.content)
            return
        pool = self._workers()
        # A round trip that a commit needs, beside the others
        looking = pool.submit(is_newest_there, self._store, state)
        for _ in pool.map(lambda f: self._store.write(f.path, f.content), files):
            pass
        if looking.result():
            self.seen = state.version

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_FILES_AT_ONCE, "neuralake-writer")
            return self._pool

    def discard(self, group: Sequence[Waiting]) -> None:
        """Delete files that will not be part of the table."""
        self._delete(distinct_files(group))
        for waiting in group:
            waiting.files = []

    def _delete(self, files: Sequence[EncodedFile]) -> None:
        try:
            self._store.delete([file.path for file in files])
        except OSError:  # vacuum removes them
            return
