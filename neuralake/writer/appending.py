"""From a source to the table: deliveries are batched, appended and acknowledged."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuralake.errors import NeuralakeError, reason_of
from neuralake.sources.source import Source
from neuralake.writer.batching import Batcher, BatchLimits, Group
from neuralake.writer.errors import BatchError, SequenceError
from neuralake.writer.metrics import Tally
from neuralake.writer.timings import Timings, thread_times

if TYPE_CHECKING:
    from neuralake.writer.append import Writer
    from neuralake.writer.result import Commit

_APPENDS_AT_ONCE = 16  # threads; those that wait for a commit go into the next one together


@dataclass(frozen=True)
class Outcome:
    """How the appending ended.

    Attributes
    ----------
    rows
        Rows that were committed, without repeated ones.
    version
        The newest version that was committed; None if there is none.
    failed
        Deliveries that were not committed.
    error
        What ended it before the source did; None if nothing has.
    """

    rows: int
    version: int | None
    failed: int
    error: BaseException | None


class Appender:
    """Appends what a source delivers.

    Parameters
    ----------
    writer
        Of the table.
    source
        Where rows come from. One of which a batch that has failed does not come again is closed
        then.
    limits
        Of batches, and of what waits.
    tally
        What counts.
    timings
        What keeps how long each batch took, if anybody asks.
    """

    def __init__(
        self,
        writer: Writer,
        source: Source,
        limits: BatchLimits,
        tally: Tally,
        timings: Timings | None = None,
    ) -> None:
        self._writer = writer
        self._source = source
        self._batcher = Batcher(limits)
        self._tally = tally
        self._timings = timings
        self._lock = threading.Lock()
        self._rows = self._failed = 0
        self._version: int | None = None
        self._error: BaseException | None = None

    def run(self) -> Outcome:
        """Append until the source ends or is closed; then what was read is committed still."""
        reader = threading.Thread(target=self._read, name="read")
        appenders = [
            threading.Thread(target=self._append_all, name=f"append-{i}")
            for i in range(_APPENDS_AT_ONCE)
        ]
        for thread in (reader, *appenders):
            thread.start()
        for thread in (reader, *appenders):
            thread.join()
        return Outcome(self._rows, self._version, self._failed, self._error)

    def watch(self) -> None:
        """Set the gauges to what is now."""
        oldest_ns = self._batcher.oldest_ns()
        lag_s = 0.0 if oldest_ns is None else (time.monotonic_ns() - oldest_ns) / 1e9
        self._tally.set(lag_seconds=lag_s, queue_bytes=self._batcher.waiting_bytes)
        if self._timings is not None:
            self._timings.flush()

    def _read(self) -> None:
        try:
            for delivery in self._source.batches():
                self._batcher.offer(delivery)
                del delivery  # as below
        except BaseException as error:  # noqa: BLE001 - it ends the process in its main thread
            self._end(error)
        finally:
            self._batcher.close()

    def _append_all(self) -> None:
        while (group := self._batcher.take()) is not None:
            try:
                self._append(group)
            except BaseException as error:  # noqa: BLE001 - as above
                for delivery in group.deliveries:
                    delivery.fail(RuntimeError(f"the writer failed: {reason_of(error)}"))
                self._end(error)
            finally:
                self._batcher.done(group)
            del group  # its rows need not wait in memory for the next one

    def _append(self, group: Group) -> None:
        """Append a batch; each delivery of it is answered afterwards.

        Where one of several is at fault, or in the table already, they are appended one by one.
        """
        try:
            self._commit(group)
        except (BatchError, SequenceError) as error:
            if len(group.deliveries) == 1:
                self._fail(group, error)
                return
            for part in group.parts():
                self._append(part)
        except (NeuralakeError, OSError) as error:
            self._fail(group, error)

    def _commit(self, group: Group) -> None:
        deliveries = group.deliveries
        if len(deliveries) > 1 and any(delivery.is_void() for delivery in deliveries):
            raise SequenceError("a batch before one of them has failed")
        if deliveries[0].is_void():
            raise SequenceError("a batch before it, in the same stream, has failed")
        before = None if self._timings is None else thread_times()
        commit = self._writer.append(
            group.rows(),
            sequence=group.sequence,
            after=deliveries[0].first_after,
            application=group.application,
        )
        with self._lock:
            self._rows += 0 if commit.is_repeated else commit.rows
            self._version = max(self._version or 0, commit.version)
        if self._timings is not None and not commit.is_repeated:
            self._timings.note(group, commit, before)
        self._count(group, commit)
        for delivery in group.deliveries:
            delivery.acknowledge(commit)

    def _count(self, group: Group, commit: Commit) -> None:
        if commit.is_repeated:
            self._tally.count(repeated=len(group.deliveries))
            return
        # What appends share is counted once, by a part each
        share = 1 / commit.appends
        self._tally.count(
            rows=commit.rows,
            bytes=commit.size_bytes * share,
            commits=share,
            attempts=commit.attempts * share,
            appends=1,
        )
        steps = commit.steps
        self._tally.observe(
            {
                "wait": steps.wait_ns,
                "conform": steps.conform_ns,
                "encode": steps.encode_ns,
                "write": steps.write_ns,
                "commit": steps.commit_ns,
                "total": steps.total_ns,
            }
        )

    def _fail(self, group: Group, error: Exception) -> None:
        self._tally.count(failed=len(group.deliveries))
        with self._lock:
            self._failed += len(group.deliveries)
        for delivery in group.deliveries:
            delivery.fail(error)
        if not self._source.is_repeatable:
            self._end(error)

    def _end(self, error: BaseException) -> None:
        """Read nothing more, and remember why."""
        with self._lock:
            if self._error is None:
                self._error = error
        self._source.close()
