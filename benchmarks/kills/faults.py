"""What may be wrong with a run that was killed, and with one that went on afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from neuralake.errors import DatasetError
from neuralake.results.kind import Kind
from neuralake.results.kinds import RUN_OF_LIFECYCLE, RUN_OF_STREAMS
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import summarise_lifecycle
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.phases.samples import read_samples
from neuralake.results.store import JOURNAL, load_as
from neuralake.results.streams.records import POWER, StreamsRun, throughput_phase
from neuralake.results.streams.summary import summarise_streams
from neuralake.tpch.existing import load_manifest

AnyRun = LifecycleRun | StreamsRun
# Of each phase its tasks: session, place in it, name and kind
Tasks = tuple[tuple[str, int, str, str], ...]
Shape = Mapping[PhaseKey, Tasks]
KINDS: Mapping[str, Kind[Any]] = {"lifecycle": RUN_OF_LIFECYCLE, "streams": RUN_OF_STREAMS}


@dataclass(frozen=True)
class Seen:
    """A run as it was found in its directory.

    Attributes
    ----------
    directory
        Of the run.
    run
        By its journal.
    """

    directory: Path
    run: AnyRun

    @property
    def shape(self) -> Shape:
        """The tasks of each of its phases."""
        return {phase.key: self._tasks(phase) for phase in self.run.phases}

    @property
    def lasting(self) -> tuple[PhaseRecord, ...]:
        """The phases that are not done again when the run goes on."""
        if isinstance(self.run, StreamsRun):
            return self.run.phases
        done = {(end.engine, end.repetition) for end in self.run.repetitions}
        return tuple(p for p in self.run.phases if (p.key.engine, p.key.repetition) in done)

    @property
    def copies(self) -> Path:
        """Where the copies of its tables lay."""
        return Path(self.run.header.place) / self.run.header.id

    def _tasks(self, phase: PhaseRecord) -> Tasks:
        samples = read_samples(self.directory, phase.parts)
        return tuple(sorted((s.session, s.position, s.task, s.kind) for s in samples))


def see(kind: str, directory: Path) -> Seen:
    """Read a run: the journal of one that was killed, which has no document."""
    return Seen(directory, KINDS[kind].read(directory / JOURNAL))


def faults_of_killed(seen: Seen, whole: Shape, before: Seen | None = None) -> Iterator[str]:
    """What is wrong with a run that was killed, before it goes on.

    Parameters
    ----------
    seen
        The run.
    whole
        The tasks of a run that nobody killed.
    before
        The run as the kill before it left it.
    """
    yield from _faults_of_lasting(seen, before)
    for key, tasks in seen.shape.items():
        if tasks != whole.get(key):
            yield f"{key.stem} has other tasks than it would have had"
    if isinstance(seen.run, StreamsRun):
        yield from _faults_of_metrics(seen.run, seen.directory)
    for copy in seen.copies.glob("*"):
        try:
            load_manifest(str(copy))
        except DatasetError:
            continue
        yield f"the copy {copy.name} is taken for a dataset"


def faults_of_finished(seen: Seen, whole: Shape, before: Seen | None = None) -> Iterator[str]:
    """What is wrong with a run that came to its end.

    Parameters
    ----------
    seen
        The run.
    whole
        The tasks of a run that nobody killed.
    before
        The run as the last kill left it.
    """
    if seen.run.finished_at is None:
        yield "it does not say that it came to its end"
    if load_as(KINDS[seen.run.header.kind], seen.directory) != seen.run:
        yield "document and journal do not say the same"
    if seen.shape != whole:
        yield f"other phases or tasks than those of a whole run: {sorted(map(str, seen.shape))}"
    for phase in seen.run.phases:
        yield from _faults_of_phase(phase, whole.get(phase.key, ()))
    yield from _faults_of_lasting(seen, before)
    if isinstance(seen.run, StreamsRun):
        yield from _faults_of_metrics(seen.run, seen.directory)
    elif not summarise_lifecycle(seen.run, seen.directory).is_right(seen.run):
        yield "a task failed or was wrong"
    yield from _left(seen)


def _faults_of_lasting(seen: Seen, before: Seen | None) -> Iterator[str]:
    """What was measured before a kill stays what it was."""
    if before is not None and any(phase not in seen.run.phases for phase in before.lasting):
        yield "a phase that was there before the kill is another one"


def _left(seen: Seen) -> Iterator[str]:
    """What a run has left behind that it needs no more."""
    if seen.copies.exists():
        yield "copies of its tables are left"
    for path in seen.directory.rglob("*"):
        if path.suffix == ".part" or path.name == "scratch":
            yield f"{path.relative_to(seen.directory)} is left"


def _faults_of_phase(phase: PhaseRecord, tasks: Tasks) -> Iterator[str]:
    """Whatever of a phase was not found right."""
    if not phase.is_right:
        yield f"{phase.key.stem}: {phase.status}: {phase.message or 'wrong'}"
    queries = {(session, position) for session, position, _, kind in tasks if kind == "query"}
    verified = {(c.session, c.position) for c in phase.answers if c.verdict == "verified"}
    if queries != verified:
        yield f"{phase.key.stem}: {len(queries - verified)} answers were not verified"
    if any(check.is_right is not True for check in phase.end):
        yield f"{phase.key.stem}: its tables are not known to be right"


def _faults_of_metrics(run: StreamsRun, directory: Path) -> Iterator[str]:
    """Metrics of what did not run, and none of what did."""
    there = {phase.key for phase in run.phases}
    for line in summarise_streams(run, directory).lines:
        names = {"power": POWER, "throughput": throughput_phase(line.streams)}
        keys = {
            metric: [PhaseKey(line.engine, name, r + 1) for r in range(run.header.rounds)]
            for metric, name in names.items()
        }
        for metric, needed in keys.items():
            if (getattr(line, metric) is not None) != there.issuperset(needed):
                yield f"{line.engine}: {metric} is {getattr(line, metric)}"
        if (line.composite is not None) != there.issuperset(chain(*keys.values())):
            yield f"{line.engine}: the composite is {line.composite}"
