"""One repetition: an engine carries out a plan from its first phase to its last, and is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CatalogError
from neuralake.results.journal import JournalWriter
from neuralake.results.lifecycle.records import PhaseEnd, RepetitionEnd
from neuralake.results.phases.records import EndCheck, PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TaskSample, read_samples
from neuralake.workloads.failures import FAILURES
from neuralake.workloads.lifecycle.checking import judge_answers, judge_tables, queries_by_task
from neuralake.workloads.lifecycle.plan import LifecycleObserver, LifecyclePlan
from neuralake.workloads.lifecycle.sizes import change_of, table_sizes
from neuralake.workloads.lifecycle.staging import StagedPhase, StagedTask
from neuralake.workloads.phases.checking import Reference, reference
from neuralake.workloads.phases.copies import copy_tables
from neuralake.workloads.phases.model import PhasePlan, RunQuery, SessionPlan, Task
from neuralake.workloads.phases.reference import another_engine
from neuralake.workloads.phases.runner import KeptRunner, Runner
from neuralake.workloads.places import Target
from neuralake.workloads.recording import Roster


@dataclass(frozen=True)
class Site:
    """Where a repetition has its files.

    Attributes
    ----------
    directory
        Of the run.
    scratch
        For a while.
    tables
        The copies.
    """

    directory: Path
    scratch: Path
    tables: Target


@dataclass(frozen=True)
class Life:
    """A repetition of an engine.

    Attributes
    ----------
    plan
        Of the run.
    staged
        Its phases, with what they write.
    spec
        The engine.
    repetition
        From 1.
    site
        Where it has its files.
    journal
        Receives every phase before the next begins.
    observer
        Is told of each step.
    """

    plan: LifecyclePlan
    staged: Sequence[StagedPhase]
    spec: EngineSpec
    repetition: int
    site: Site
    journal: JournalWriter
    observer: LifecycleObserver

    def run(self, before: int, of: int, roster: Roster) -> RepetitionEnd:
        """Carry out the plan, as far as it is known what the tables hold.

        Parameters
        ----------
        before
            How many phases of the run there were before.
        of
            How many it has.
        roster
            That the engine is entered in.

        Raises
        ------
        PlaceError
            If the tables cannot be copied.
        """
        engine = self.spec.name
        plan, site = self.plan, self.site
        tables = copy_tables(plan.copied, site.tables) | {
            name: _to_be_made(plan.tables[name], site.tables.below(name)) for name in plan.made
        }
        runner = Runner(spec=self.spec, directory=site.directory, mapping=plan.mapping[engine])
        runner = replace(runner, writer=plan.writer, limits=plan.limits)
        versions: dict[str, dict[str, int]] = {}
        with runner.kept() as phases, self._reference() as (by, why_not):
            for number, staged in enumerate(self.staged):
                key = PhaseKey(engine, staged.phase.name, self.repetition)
                self.observer.before(key, before + number + 1, of)
                phase = self._phase(phases, staged, tables, versions, roster)
                if by is not None:
                    self.observer.checking(key, by.name)
                phase = self._judged(phase, staged, tables, versions, by, why_not)
                self.journal.append(phase)
                samples = read_samples(site.directory, phase.parts)
                self.journal.append(self._left(key, staged, samples, tables))
                self.observer.after(phase)
                unknown = next((check for check in phase.end if not check.is_right), None)
                if unknown is not None and number + 1 < len(self.staged):
                    said = f"{staged.phase.name}: {unknown.name}: {unknown.detail}"
                    end = RepetitionEnd(engine, self.repetition, said)
                    self.observer.ended(end)
                    return end
                versions[staged.phase.name] = _versions(tables)
        end = RepetitionEnd(engine, self.repetition)
        self.observer.ended(end)
        return end

    def _phase(
        self,
        phases: KeptRunner,
        staged: StagedPhase,
        tables: Mapping[str, DeltaTable],
        versions: Mapping[str, Mapping[str, int]],
        roster: Roster,
    ) -> PhaseRecord:
        phase, engine = phases.run(self._planned(staged, versions), tables)
        roster.enter(engine)
        return phase

    def _planned(self, staged: StagedPhase, versions: Mapping[str, Mapping[str, int]]) -> PhasePlan:
        """The phase, with the versions that its questions about the past ask for."""
        sessions = tuple(
            SessionPlan(s.name, tuple(_task(task, versions) for task in s.tasks))
            for s in staged.sessions
        )
        return PhasePlan(staged.phase.name, sessions, self.repetition)

    def _judged(
        self,
        phase: PhaseRecord,
        staged: StagedPhase,
        tables: Mapping[str, DeltaTable],
        versions: Mapping[str, Mapping[str, int]],
        by: Reference | None,
        why_not: str,
    ) -> PhaseRecord:
        samples = read_samples(self.site.directory, phase.parts)
        queries = queries_by_task(staged, {q.name: q for q in self.plan.workload.queries})
        answers = judge_answers(
            samples,
            self._planned(staged, versions),
            tables,
            queries,
            by,
            self.site.directory,
            why_not,
        )
        end: tuple[EndCheck, ...] = tuple(judge_tables(staged, samples, tables, by, why_not))
        return replace(phase, answers=answers, end=end)

    def _left(
        self,
        key: PhaseKey,
        staged: StagedPhase,
        samples: Sequence[TaskSample],
        tables: Mapping[str, DeltaTable],
    ) -> PhaseEnd:
        sessions = {session.name: session.tasks for session in staged.sessions}
        changes = (change_of(sessions[s.session][s.position], s, tables) for s in samples)
        found = tuple(change for change in changes if change is not None)
        return PhaseEnd(key, table_sizes(tables), found)

    @contextmanager
    def _reference(self) -> Iterator[tuple[Reference | None, str]]:
        """Another engine, idle while this one is measured; or None, and why."""
        other = another_engine(self.spec.name, self.plan.engines, self.plan.tables)
        stem = f"{self.spec.name}-r{self.repetition:02d}-reference"
        with ExitStack() as stack:
            by, why_not = None, "no other engine can run here"
            if other is not None:
                (self.site.directory / "logs").mkdir(exist_ok=True)
                log = self.site.directory / "logs" / f"{stem}.log"
                try:
                    by = stack.enter_context(reference(other, log, self.site.scratch))
                except FAILURES as failure:
                    why_not = f"{other.name} did not start: {failure}"
            yield by, why_not


def _task(staged: StagedTask, versions: Mapping[str, Mapping[str, int]]) -> Task:
    action = staged.task.action
    if staged.as_of is None or not isinstance(action, RunQuery):
        return staged.task
    at = {name: versions[staged.as_of][name] for name in action.reads}
    return replace(staged.task, action=replace(action, at=at))


def _to_be_made(table: DeltaTable, place: Target) -> DeltaTable:
    options = place.options or table.storage_options
    return replace(
        table, location=place.uri, storage_options=options, version=None, at=None, hides_nan=None
    )


def _versions(tables: Mapping[str, DeltaTable]) -> dict[str, int]:
    """Newest version of each table that is there."""
    found = {}
    for name, table in tables.items():
        try:
            found[name] = table.newest_version()
        except CatalogError:  # it is made later
            continue
    return found
