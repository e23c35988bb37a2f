"""How long each batch took by step, as lines of JSON: for whoever asks where the time goes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from neuralake.writer.errors import WriterError

if TYPE_CHECKING:
    from neuralake.writer.batching import Group
    from neuralake.writer.result import Commit

_OF_THIS_THREAD = Path("/proc/thread-self/schedstat")


class Arrival(msgspec.Struct, frozen=True):
    """Rows that came together, and are in one batch.

    Attributes
    ----------
    sequence
        Number of them, as the source tells it.
    received_ns, begun_ns, decoded_ns
        When the first of them was received, when all were and were decoded, and when they were
        rows, by the monotonic clock.
    """

    sequence: int | None
    received_ns: int
    begun_ns: int
    decoded_ns: int


class Timing(msgspec.Struct, frozen=True):
    """The way of a batch into the table; moments are those of the monotonic clock.

    Attributes
    ----------
    version
        That has it.
    application
        Who sent it.
    rows
        How many.
    arrivals
        What it was put together from.
    taken_ns
        When it was complete, and its append began.
    encode_ns, write_ns, commit_ns
        How long the steps took, as of :class:`neuralake.writer.result.Steps`.
    durable_ns
        When the append had returned.
    worked_ns, delayed_ns
        From ``taken_ns`` to ``durable_ns``: for how long its thread had a processor, and waited for
        one. Whatever is left it waited for the disk, or for another thread. None where the system
        does not tell.
    """

    version: int
    application: str | None
    rows: int
    arrivals: tuple[Arrival, ...]
    taken_ns: int
    encode_ns: int
    write_ns: int
    commit_ns: int
    durable_ns: int
    worked_ns: int | None = None
    delayed_ns: int | None = None


class Timings:
    """A file to which a line is added for each batch; safe for many threads.

    Parameters
    ----------
    path
        The file; there may be lines in it.
    tell
        Told if it cannot be written any more, which is no reason to write no rows.

    Raises
    ------
    WriterError
        If it cannot be written.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self._path, self._tell = path, tell
        self._lock = threading.Lock()
        self._has_failed = False
        try:
            self._file = path.open("ab")
        except OSError as error:
            raise WriterError(_no_place(path, error)) from error

    def note(self, group: Group, commit: Commit, before: tuple[int, int] | None) -> None:
        """Add the way of a batch that is durable.

        Parameters
        ----------
        group, commit
            The batch, and what became of it.
        before
            What :func:`thread_times` said when its append began.
        """
        durable_ns, now = time.monotonic_ns(), thread_times()
        worked_ns, delayed_ns = (
            (None, None)
            if before is None or now is None
            else (later - sooner for later, sooner in zip(now, before, strict=True))
        )
        steps = commit.steps
        timing = Timing(
            version=commit.version,
            application=group.application,
            rows=commit.rows,
            arrivals=tuple(
                Arrival(each.sequence, each.received_ns, each.begun_ns, each.decoded_ns)
                for each in group.deliveries
            ),
            taken_ns=group.taken_ns,
            encode_ns=steps.encode_ns,
            write_ns=steps.write_ns,
            commit_ns=steps.commit_ns,
            durable_ns=durable_ns,
            worked_ns=worked_ns,
            delayed_ns=delayed_ns,
        )
        self._do(lambda: self._file.write(msgspec.json.encode(timing) + b"\n"))

    def flush(self) -> None:
        """Let readers of the file see all lines."""
        self._do(self._file.flush)

    def close(self) -> None:
        """Write what is left; nothing is noted after this."""
        self._do(self._file.close)
        with suppress(OSError):  # once more without the lines that could not be written
            self._file.close()

    def _do(self, write: Callable[[], object]) -> None:
        with self._lock:
            try:
                if not self._has_failed:
                    write()
            except OSError as error:
                self._has_failed = True
                self._tell(f"{_no_place(self._path, error)}; no more of them are")


def check_place(path: Path) -> None:
    """Refuse a file that cannot be written, and make one that can.

    Raises
    ------
    WriterError
        With the reason.
    """
    Timings(path, lambda _: None).close()


def _no_place(path: Path, error: OSError) -> str:
    return f"timings cannot be kept in {path}: {error.strerror}"


def read_timings(path: Path) -> list[Timing]:
    """All lines of a file; the last may be torn where its writer was killed."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(msgspec.json.decode(line, type=Timing))
        except msgspec.DecodeError:
            break
    return found


def thread_times() -> tuple[int, int] | None:
    """For how long this thread had a processor, and waited for one, in nanoseconds.

    Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat".
    """
    try:
        descriptor = os.open(_OF_THIS_THREAD, os.O_RDONLY)
    except OSError:
        return None
    try:
        worked, delayed, _ = os.read(descriptor, 100).split()
    finally:
        os.close(descriptor)
    return int(worked), int(delayed)
