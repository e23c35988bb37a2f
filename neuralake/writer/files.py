"""Makes the data files of batches: encoded, written, durable, and deleted again if in vain."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

import pyarrow as pa

from neuralake.delta.state import TableState, is_newest_there
from neuralake.delta.store import Store
from neuralake.writer.encode import EncodedFile
from neuralake.writer.errors import BatchError
from neuralake.writer.waiting import Waiting, distinct_files, fail_all

_PUT_AT_ONCE = 8
# Each holds a descriptor
_BEGUN_AT_ONCE = 64


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

    def make(self, group: Sequence[Waiting], state: TableState, *, is_beside: bool = False) -> None:
        """Encode and write the rows of some batches, together; one that cannot be fails.

        Parameters
        ----------
        group
            Batches of one plan.
        state
            The newest known of the table: where the store is remote, its entry is looked for
            beside the writing.
        is_beside
            Whether files on a disk are only begun, and :meth:`wait` is for their end.
        """
        plan = group[0].plan
        begin = time.perf_counter_ns()
        rows = group[0].rows
        if len(group) > 1:
            rows = pa.concat_tables([waiting.rows for waiting in group])
        try:
            files = plan.encode(rows)
        except BatchError as error:
            if len(group) > 1:  # whose fault it is comes out alone
                for waiting in group:
                    self.make([waiting], state, is_beside=is_beside)
            else:
                group[0].fail(error)
            return
        encoded = time.perf_counter_ns()
        for waiting in group:
            waiting.files = files
            waiting.encode_ns, waiting.encoded_ns = encoded - begin, encoded
        try:
            writing = self._put(files, state) if self._store.is_remote else self._sync(files)
            for waiting in group:
                waiting.writing = writing
            if self._store.is_remote or not is_beside:
                self.wait(group)
        except OSError as error:
            self.discard(group)
            fail_all(group, self._failure(error))

    def _sync(self, files: Iterable[EncodedFile]) -> list[Callable[[], None]]:
        """Write files; what is returned makes each durable."""
        writing: deque[Callable[[], None]] = deque()
        try:
            for file in files:
                if len(writing) == _BEGUN_AT_ONCE:
                    writing.popleft()()
                writing.append(self._store.begin(file.path, file.content))
        except OSError:
            _finish(writing)
            raise
        return list(writing)

    def _put(self, files: Iterable[EncodedFile], state: TableState) -> list[Callable[[], None]]:
        """Put files at once, and look for the newest entry beside them: a commit needs to know."""
        pool = self._workers()
        looking = pool.submit(is_newest_there, self._store, state)
        putting = [pool.submit(self._store.write, file.path, file.content) for file in files]

        def look() -> None:
            if looking.result():
                self.seen = state.version

        return [*(future.result for future in putting), look]

    def wait(self, group: Sequence[Waiting]) -> None:
        """Return when the files of some batches are durable.

        Raises
        ------
        OSError
            If one could not be written.
        """
        errors = _finish(dict.fromkeys(each for waiting in group for each in waiting.writing))
        now = time.perf_counter_ns()
        for waiting in group:
            if waiting.writing:
                waiting.writing, waiting.write_ns = (), now - waiting.encoded_ns
        if errors:
            raise errors[0]

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_PUT_AT_ONCE, "neuralake-writer")
            return self._pool

    def end(self, group: Sequence[Waiting]) -> None:
        """Let files whose batches fail be written to their end, so that none stays open."""
        with suppress(OSError):
            self.wait(group)

    def discard(self, group: Sequence[Waiting]) -> None:
        """Delete files that will not be part of the table, once they are written."""
        self.end(group)
        with suppress(OSError):  # vacuum removes them
            self._store.delete([file.path for file in distinct_files(group)])
        for waiting in group:
            waiting.files = []


def _finish(writing: Iterable[Callable[[], None]]) -> list[OSError]:
    """Wait for all of some files, and return what was raised."""
    errors = []
    for finish in writing:
        try:
            finish()
        except OSError as error:
            errors.append(error)
    return errors
