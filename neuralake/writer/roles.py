"""What each process of a writer does: append, compact or vacuum, until it is told to stop."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neuralake.errors import NeuralakeError, reason_of
from neuralake.writer.appending import Appender, Outcome
from neuralake.writer.beside import Beside
from neuralake.writer.errors import WriterDeadlineError
from neuralake.writer.events import Event, Tell
from neuralake.writer.metrics import Tally
from neuralake.writer.stopping import Stopping
from neuralake.writer.task import SourceSpec, Task
from neuralake.writer.timings import Timings

if TYPE_CHECKING:
    from neuralake.sources.kafka.options import KafkaOptions
    from neuralake.sources.kafka.source import KafkaSource
    from neuralake.sources.source import Source
    from neuralake.writer.append import Writer

_TELL_EVERY_S = 1.0
_ANSWERS_S = 5.0  # how long clients are waited for that do not read their answers
_INTERRUPTED = 130


def run_role(task: Task, tell: Tell, stopping: Stopping, token: str | None = None) -> int:
    """Do what a task says, until its source ends or it is told to stop.

    Parameters
    ----------
    task
        What to do.
    tell
        Told of what happens, from several threads, one at a time.
    stopping
        When to stop.
    token
        That clients must show.

    Returns
    -------
    int
        Exit status: 0, 1 if something was put aside or not committed, 130 if a source was
        interrupted that cannot be read again.

    Raises
    ------
    NeuralakeError
        If the table, the source or an option is not as it must be.
    """
    if task.role == "append":
        return _append(task, tell, stopping, token)
    return _repeat(task, tell, stopping)


def open_source(
    task: Task, spec: SourceSpec, writer: Writer, tell: Tell, token: str | None = None
) -> Source:
    """The source that a task names.

    Raises
    ------
    SourceError
        If it is not to be had.
    """
    from neuralake.sources.arrow_ipc import ArrowStream
    from neuralake.sources.ndjson import JsonLines
    from neuralake.sources.pipe import Pipe

    if spec.kind == "stdin:arrow":
        return ArrowStream(Pipe())
    if spec.kind == "stdin:ndjson":
        return JsonLines(Pipe(), writer.schema, spec.dead_letters)
    if spec.kafka is not None:
        return _open_kafka(task, spec, spec.kafka, writer, tell)
    from neuralake.sources.flight import FlightSource
    from neuralake.sources.flight_security import FlightSecurity
    from neuralake.sources.tls import check_certificate

    assert spec.address is not None  # noqa: S101 - parsed with it
    if spec.certificate is not None and spec.key is not None:
        check_certificate(spec.certificate, spec.key)
    certificate = None if spec.certificate is None else spec.certificate.read_bytes()
    key = None if spec.key is None else spec.key.read_bytes()
    security = FlightSecurity(token, certificate, key)
    return FlightSource(spec.address, (task.table,), writer.schema, security)


def _open_kafka(
    task: Task, spec: SourceSpec, options: KafkaOptions, writer: Writer, tell: Tell
) -> KafkaSource:
    from neuralake.sources.kafka.options import Security
    from neuralake.sources.kafka.source import KafkaSource
    from neuralake.writer.kafka_sink import WriterSink
    from neuralake.writer.letters import DeadLetters

    assert spec.letters is not None  # noqa: S101 - of every such source
    letters = DeadLetters(spec.letters.uri, spec.letters.storage_options, task.deadline_s)
    sink = WriterSink(writer, letters, lambda words: tell(Event("append", "trouble", words)))
    # of this very table: those of one group share the topic's partitions among them
    group = f"neuralake-{task.table}-{writer.state.metadata.id}"
    return KafkaSource(options, Security.from_environ(os.environ), group, sink)


def _append(task: Task, tell: Tell, stopping: Stopping, token: str | None) -> int:
    from neuralake.sources.flight import FlightSource
    from neuralake.sources.kafka.source import KafkaSource
    from neuralake.writer.append import Writer

    assert task.source is not None  # noqa: S101 - of every such task
    tally = Tally()
    with (
        _timings(task, tell) as timings,
        Writer(
            task.uri,
            storage_options=task.storage_options,
            deadline_s=task.deadline_s,
            evolve=task.is_evolving,
        ) as writer,
    ):
        source = open_source(task, task.source, writer, tell, token)
        stopping.then(source.close)
        appender = Appender(writer, source, task.limits, tally, timings)
        where = f"listening on {source.address}" if source.address else ""
        facts = {"address": source.address, "version": writer.state.version}
        tell(Event("append", "ready", where, facts))

        rejected = 0

        def watch() -> None:
            nonlocal rejected
            appender.watch()
            tally.set(version=writer.state.version)
            tally.count(rejected=source.rejected - rejected)
            rejected = source.rejected
            if isinstance(source, KafkaSource):
                tally.set(**source.gauges)

        with _telling(task, tell, tally, watch):
            outcome = appender.run()
            if isinstance(source, FlightSource):
                source.wait_for_answers(_ANSWERS_S)
        return _status(outcome, source, stopping, tell)


@contextmanager
def _timings(task: Task, tell: Tell) -> Iterator[Timings | None]:
    if task.timings is None:
        yield None
        return
    timings = Timings(task.timings, lambda words: tell(Event("append", "trouble", words)))
    try:
        yield timings
    finally:
        timings.close()


def _status(outcome: Outcome, source: Source, stopping: Stopping, tell: Tell) -> int:
    """The exit status, or the error that ended it with what was committed nevertheless."""
    committed = "nothing is committed"
    if outcome.version is not None:
        rows = "1 row is" if outcome.rows == 1 else f"{outcome.rows:,} rows are"
        committed = f"{rows} committed, the last in version {outcome.version}"
    error = outcome.error
    if isinstance(error, NeuralakeError):
        raise type(error)(f"{error}; {committed}") from error
    if error is not None:
        raise error
    facts = {"rows": outcome.rows, "version": outcome.version, "rejected": source.rejected}
    tell(Event("append", "did", committed, facts))
    if source.rejected:
        return 1
    return _INTERRUPTED if stopping.is_requested and not source.is_repeatable else 0


def _repeat(task: Task, tell: Tell, stopping: Stopping) -> int:
    """Run now and then; a run that fails is tried again, unless it is the first one."""
    from neuralake.writer.vacuum import SWEEP_EVERY_S

    tally = Tally()
    make_run = _compaction if task.role == "compact" else _vacuum
    # What was removed goes when its time is over; all of the table is looked at once in every_s
    longest_s = math.inf if task.role == "compact" else SWEEP_EVERY_S
    with make_run(task, tell, stopping, tally) as run, _telling(task, tell, tally):
        if stopping.is_requested:
            return 0
        run()
        tell(Event(task.role, "ready"))
        while task.every_s is not None and not stopping.wait(min(task.every_s, longest_s)):
            try:
                run()
            except NeuralakeError as error:
                tell(Event(task.role, "trouble", reason_of(error)))
    return 0


@contextmanager
def _compaction(
    task: Task, tell: Tell, stopping: Stopping, tally: Tally
) -> Iterator[Callable[[], None]]:
    """What packs whatever is worth it, a commit at a time.

    The log is kept short all the while: however long it takes to pack large files, and between.
    """
    from neuralake.writer.compact import Compactor
    from neuralake.writer.upkeep import UPKEEP_EVERY_S, Upkeep

    def warn(reason: str) -> None:
        tell(Event("compact", "trouble", reason))

    options = task.storage_options
    compactor = Compactor(task.uri, storage_options=options, deadline_s=task.deadline_s)
    upkeep = Upkeep(task.uri, storage_options=options, warn=warn)

    def pack() -> bool:
        try:
            done = compactor.run_once()
        except WriterDeadlineError:  # appends go first
            return False
        if done is None:
            return False
        tally.count(compactions=1, compacted_files=done.files_before)
        words = f"packed {done.files_before} files into {done.files_after}, version {done.version}"
        facts = {"version": done.version, "rows": done.rows}
        facts |= {"files_before": done.files_before, "files_after": done.files_after}
        tell(Event("compact", "did", words, facts))
        return True

    def keep() -> None:
        done = upkeep.run_once()
        if done is None:
            return
        made = "" if done.checkpoint is None else f"made the checkpoint of {done.checkpoint}"
        removed = f"removed {done.removed} files of the log" if done.removed else ""
        facts = {"checkpoint": done.checkpoint, "removed": done.removed}
        tell(Event("compact", "did", ", ".join(filter(None, (made, removed))), facts))

    with Beside(keep, UPKEEP_EVERY_S) as keeping:

        def run() -> None:
            while not stopping.is_requested and pack():
                pass
            keeping.now()
            files = compactor.files.values()
            tally.set(
                files=len(files),
                small_files=compactor.candidates,
                live_bytes=sum(file.add.size for file in files),
            )
            if upkeep.entries_since_checkpoint is not None:
                tally.set(log_entries_since_checkpoint=upkeep.entries_since_checkpoint)

        yield run


@contextmanager
def _vacuum(task: Task, tell: Tell, _: Stopping, tally: Tally) -> Iterator[Callable[[], None]]:
    """What removes files that nothing needs."""
    from neuralake.writer.vacuum import Vacuum

    vacuum = Vacuum(
        task.uri,
        retention_s=task.retention_s,
        is_forced=task.is_forced,
        storage_options=task.storage_options,
    )

    def run() -> None:
        done = vacuum.keep_up(task.every_s or 0.0)
        if done is None:
            return
        tally.count(vacuumed_files=done.files, vacuumed_bytes=done.size_bytes)
        words = f"removed {done.removed_files} files and {done.orphans} orphans"
        facts = {"removed_files": done.removed_files, "orphans": done.orphans}
        tell(Event("vacuum", "did", words, {**facts, "size_bytes": done.size_bytes}))

    yield run


@contextmanager
def _telling(
    task: Task, tell: Tell, tally: Tally, watch: Callable[[], None] | None = None
) -> Iterator[None]:
    """Tell what was counted, every second and at the end, while the block runs."""
    ended = threading.Event()

    def tell_figures() -> None:
        if watch is not None:
            watch()
        tell(Event(task.role, "figures", figures=tally.take()))

    def tell_now_and_then() -> None:
        while not ended.wait(_TELL_EVERY_S):
            tell_figures()

    thread = threading.Thread(target=tell_now_and_then, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        tell_figures()
