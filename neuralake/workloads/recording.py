"""How any run is recorded: its directory, its journal, its end, and how it goes on after a kill.

What a kind of run measures is its own; all of this is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.measure.activity import activity, activity_since
from neuralake.results.environment import without_polars_own
from neuralake.results.fingerprint import fingerprint
from neuralake.results.journal import End, JournalWriter, remove_torn_line
from neuralake.results.kind import AnyRun, Kind, R
from neuralake.results.parts import require_parts
from neuralake.results.records import EngineRecord, Fingerprint, MachineUse, Resumption
from neuralake.results.store import DOCUMENT, JOURNAL, RunStore, write_document_as
from neuralake.results.timestamps import timestamp

Facts = Iterable[tuple[str, object, object]]


class RunInterruptedError(KeyboardInterrupt):
    """A run was interrupted; the message says where what was measured lies."""


@dataclass(frozen=True)
class Begun:
    """What is known of every run when it begins.

    Attributes
    ----------
    id
        Name of the run and of its directory.
    created_at
        UTC, ISO 8601.
    fingerprint
        Machine and software.
    """

    id: str
    created_at: str
    fingerprint: Fingerprint


def begin(
    kind: Kind[R],
    store: RunStore,
    workload: str,
    scale_factor: float | None,
    header: Callable[[Begun], object],
) -> Path:
    """Make the directory of a new run, and the first line of its journal.

    Parameters
    ----------
    kind
        Of run.
    store
        Where it is kept.
    workload, scale_factor
        For its name.
    header
        Makes the first record of what is known.
    """
    now = datetime.now(UTC)
    directory = store.create(workload, scale_factor, now)
    first = header(Begun(directory.name, timestamp(now), fingerprint(Path.cwd())))
    with JournalWriter(directory / JOURNAL, kind.entry) as journal:
        journal.append(first)
    return directory


def interrupted_run(kind: Kind[R], directory: Path) -> R:
    """The run in a directory, as far as it came.

    Raises
    ------
    ResultsError
        If it came to its end, there is none, it is of another kind, machine or software is not what
        it was, or samples of it are lost: all of it before its plan is looked at, of which another
        version may know less.
    """
    run = kind.read(directory / JOURNAL)
    if run.finished_at is not None:
        raise ResultsError(f"run {run.header.id} is finished: there is nothing to resume")
    require_same(run, machine_facts(run.header.fingerprint, fingerprint(Path.cwd())))
    require_parts(directory, kind.parts(run))
    return run


def go_on(kind: Kind[R], run: R, directory: Path, now: Fingerprint) -> None:
    """Say in the journal that a run goes on; call it when nothing is found to have changed.

    Parameters
    ----------
    kind
        Of run.
    run
        As it was read before it was checked.
    directory
        Of the run.
    now
        Machine and software.

    Raises
    ------
    ResultsError
        If another process has gone on with it meanwhile.
    """
    if kind.read(directory / JOURNAL) != run:
        raise ResultsError(f"run {run.header.id} went on meanwhile: another process resumed it")
    remove_torn_line(directory / JOURNAL)
    (directory / DOCUMENT).unlink(missing_ok=True)  # of the run as it was interrupted
    with JournalWriter(directory / JOURNAL, kind.entry) as journal:
        journal.append(Resumption(timestamp(), kind.overview(run).samples, now))


@contextmanager
def recording(kind: Kind[R], directory: Path) -> Iterator[JournalWriter]:
    """The journal of a run that is measured in the block.

    Raises
    ------
    RunInterruptedError
        If the block was interrupted; what was measured is kept and has its document.
    """
    try:
        with JournalWriter(directory / JOURNAL, kind.entry) as journal:
            yield journal
    except KeyboardInterrupt:
        run = write_document_as(kind, directory)
        raise RunInterruptedError(
            f"{kind.overview(run).samples} samples are kept in {directory}; "
            f"{kind.command} --resume {run.header.id} goes on"
        ) from None


class Roster:
    """Who takes part in a run, or could not: each is in its journal once, however often it is met.

    Parameters
    ----------
    journal
        Of the run.
    before
        Whose records it has from before the run was resumed.
    """

    def __init__(self, journal: JournalWriter, before: Iterable[EngineRecord] = ()) -> None:
        self._journal = journal
        self._known = {record.name for record in before}

    def enter(self, record: EngineRecord) -> None:
        """Tell the journal of it, unless that was done."""
        if record.name not in self._known:
            self._known.add(record.name)
            self._journal.append(record)


class Watch:
    """What the whole machine does from now on, for the last record of a run."""

    def __init__(self) -> None:
        self._began_ns, self._before = time.monotonic_ns(), activity()

    def end(self) -> End:
        """The record."""
        used = activity_since(self._before)
        use = None if used is None else MachineUse(**asdict(used))
        return End(timestamp(), time.monotonic_ns() - self._began_ns, use)


def require_same(run: AnyRun, facts: Facts) -> None:
    """Refuse to mix samples of different things into one run.

    Parameters
    ----------
    run
        That is to go on.
    facts
        What must be the same: its name, what it was, and what it is.

    Raises
    ------
    ResultsError
        If something is not what it was; the message names the first difference.
    """
    for what, before, after in facts:
        if before != after:
            raise ResultsError(
                f"run {run.header.id} cannot be resumed: {what} was {before}, and is {after}: "
                "start a new run"
            )


def machine_facts(then: Fingerprint, now: Fingerprint) -> Facts:
    """What must be the same of machine and software in any run."""
    for package in sorted({*then.packages, *now.packages}):
        yield f"package {package}", then.packages.get(package), now.packages.get(package)
    yield "Neuralake", then.neuralake, now.neuralake
    yield "Python", then.python, now.python
    yield "the processor", then.cpu, now.cpu
    yield "the number of cores", then.cores, now.cores
    yield "the quota of CPU time", then.cpu_quota, now.cpu_quota
    yield "the limit on memory", then.memory_limit_bytes, now.memory_limit_bytes
    if then.environment is not None:  # a run from before they were recorded
        before, variables = without_polars_own(then.environment), now.environment or {}
        for name in sorted({*before, *variables}):
            yield f"the variable {name}", before.get(name), variables.get(name)
