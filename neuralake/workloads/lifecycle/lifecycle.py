"""A run of lifecycle: a plan carried out under the machine's lock, into a run directory.

A repetition begins with fresh copies of the tables, and an engine started anew, which then lives
through all phases. One that was interrupted is done again from its beginning.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from neuralake.catalog.identity import table_identity
from neuralake.engines import registry
from neuralake.errors import CatalogError, LifecycleError, ResultsError
from neuralake.measure.scratch import Scratch
from neuralake.measure.worker import RemoteError
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_LIFECYCLE
from neuralake.results.lifecycle.records import (
    KIND,
    LifecycleHeader,
    LifecycleRun,
    PlannedPhase,
)
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, EngineRequest
from neuralake.results.store import RunStore
from neuralake.workloads.course import Course, carry_out
from neuralake.workloads.failures import FAILURES
from neuralake.workloads.lifecycle.life import Life, Site
from neuralake.workloads.lifecycle.plan import (
    LifecycleObserver,
    LifecyclePlan,
    planned,
    repetitions_of,
)
from neuralake.workloads.lifecycle.staging import TARGET, StagedPhase
from neuralake.workloads.phases.copies import check_copyable
from neuralake.workloads.places import directory_of_run, drop, storage_facts
from neuralake.workloads.recording import Begun, Facts, Roster, require_same
from neuralake.workloads.resume import query_digests
from neuralake.workloads.rounds import round_worker

Observe = Callable[[LifecycleHeader], AbstractContextManager[LifecycleObserver]]
_SCRATCH = "scratch"


def lifecycle(
    plan: LifecyclePlan,
    store: RunStore,
    observe: Observe,
    *,
    resumed: tuple[LifecycleRun, Path] | None = None,
) -> tuple[LifecycleRun, Path]:
    """Carry out a plan.

    Parameters
    ----------
    plan
        What is to be measured.
    store
        Where the run is kept.
    observe
        Makes the observer that is told of each step.
    resumed
        An interrupted run that is to go on, and its directory; the plan is what it was.

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, samples, answers and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    LifecycleError
        If what the plan writes cannot be made, or does not fit the tables' rows.
    PlaceError
        If the tables cannot be copied.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    for spec in plan.engines:
        registry.prepare(spec)
    run = _Run(plan)
    with ExitStack() as stack:
        course = Course(
            RUN_OF_LIFECYCLE,
            prepare=lambda: _prepared(run, store, stack, resumed),
            observe=observe,
            measure=partial(_measure, run),
            scale_factor=plan.workload.scale_factor,
        )
        return carry_out(course, store, resumed)


@dataclass
class _Run:
    """A plan, and what it writes once that is made."""

    plan: LifecyclePlan
    staged: tuple[StagedPhase, ...] = ()


def _prepared(
    run: _Run, store: RunStore, stack: ExitStack, resumed: tuple[LifecycleRun, Path] | None
) -> Callable[[Begun], LifecycleHeader]:
    """Make all that the plan writes: what is wrong with it is known before there is a run."""
    plan = run.plan
    check_copyable(plan.copied, plan.place)
    storage_facts(plan.place)  # whether anything can be written there
    if resumed is not None:
        require_same(resumed[0], _facts_before(plan, resumed[0]))
    run.staged = _staged(plan, stack.enter_context(_staging_place(store.root)))
    if resumed is not None:
        require_same(resumed[0], _facts_staged(run, resumed[0]))
    return partial(_header, run)


def _staged(plan: LifecyclePlan, files: Path) -> tuple[StagedPhase, ...]:
    with round_worker(TARGET, files / "log") as worker:
        try:
            arguments = (plan.phases, plan.tables, plan.workload.queries, plan.file.seed, files)
            found: tuple[StagedPhase, ...] = worker.call("stage", *arguments)
        except RemoteError as error:
            kinds = {kind.__name__: kind for kind in (LifecycleError, CatalogError)}
            if error.kind in kinds:
                raise kinds[error.kind](f"plan {plan.source}: {error}") from None
            raise LifecycleError(
                f"plan {plan.source}: what it writes cannot be made: {error.kind}: {error}"
            ) from error
        except FAILURES as error:
            raise LifecycleError(
                f"plan {plan.source}: what it writes cannot be made: {error}; "
                "the tables that it changes must fit into memory"
            ) from error
    return found


@contextmanager
def _staging_place(root: Path) -> Iterator[Path]:
    """A directory for what is written, beside the runs; what a killed run has left is removed."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        # results may be shared by machines, not all of which see each other's locks
        scratch = Scratch(root.absolute(), f"staged-{platform.node()}-")
        scratch.directory.chmod(0o755)  # a cluster's executors may be another user's
    except OSError as error:
        raise ResultsError(
            f"results cannot be written to {root}: {error.strerror}; "
            "set NEURALAKE_RESULTS_ROOT to a writable directory"
        ) from error
    try:
        yield scratch.directory
    finally:
        scratch.remove()


def _header(run: _Run, begun: Begun) -> LifecycleHeader:
    plan = run.plan
    return LifecycleHeader(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=KIND,
        fingerprint=begun.fingerprint,
        plan=plan.file.name,
        plan_text=plan.text,
        plan_source=plan.source,
        phases=_planned(run),
        engines=tuple(EngineRequest(spec.name, spec.options) for spec in plan.engines),
        queries_of=plan.workload.name,
        dataset_uri=plan.workload.dataset_uri,
        scale_factor=plan.workload.scale_factor,
        dataset=plan.workload.dataset,
        place=plan.place.uri,
        query_sha256=query_digests(plan.workload.queries),
        tables={name: table_identity(table) for name, table in plan.tables.items()},
        repetitions=plan.repetitions,
        mapping=plan.mapping,
        writer=plan.writer,
        limits=plan.limits,
        keeps_tables=plan.keeps_tables,
    )


def _planned(run: _Run) -> tuple[PlannedPhase, ...]:
    return tuple(
        replace(planned(each.phase), expected=each.expected, asks=each.asks) for each in run.staged
    )


def _facts_before(plan: LifecyclePlan, run: LifecycleRun) -> Facts:
    """What must be the same when a run goes on, and is known at once."""
    header = run.header
    yield "the dataset", header.dataset, plan.workload.dataset
    for name, table in plan.tables.items():
        yield f"table {name}", header.tables.get(name), table_identity(table)
    digests = query_digests(plan.workload.queries)
    for name in sorted({*header.query_sha256, *digests}):
        yield f"the text of {name} (sha256)", header.query_sha256.get(name), digests.get(name)


def _facts_staged(run: _Run, before: LifecycleRun) -> Facts:
    for then, now in zip(before.header.phases, _planned(run), strict=True):
        yield f"what phase {then.name} writes", then, now


def _measure(
    run: _Run,
    header: LifecycleHeader,
    directory: Path,
    journal: JournalWriter,
    observer: LifecycleObserver,
    past: LifecycleRun | None,
) -> None:
    plan = run.plan
    roster = Roster(journal, past.engines if past else ())
    for spec, reason in plan.unavailable:
        roster.enter(EngineRecord(spec.name, spec.options, unavailable=reason))
    done = {(end.engine, end.repetition) for end in past.repetitions} if past else set()
    specs = {spec.name: spec for spec in plan.engines}
    every = list(repetitions_of(header))
    scratch = directory.absolute() / _SCRATCH
    with directory_of_run(plan.place, header.id, keeps_tables=plan.keeps_tables) as place:
        for number, (repetition, engine) in enumerate(every):
            if (engine, repetition) in done:
                continue
            site = Site(directory, scratch, place.below(f"{engine}-r{repetition:02d}"))
            drop(site.tables)
            shutil.rmtree(scratch, ignore_errors=True)
            life = Life(run.plan, run.staged, specs[engine], repetition, site, journal, observer)
            journal.append(life.run(number * len(run.staged), len(every) * len(run.staged), roster))
            shutil.rmtree(scratch, ignore_errors=True)
            if not plan.keeps_tables:
                drop(site.tables)
