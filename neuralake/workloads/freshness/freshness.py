"""A run of freshness: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from neuralake.results.freshness.records import FreshnessHeader, FreshnessRun, Round
from neuralake.results.freshness.spans import Spans
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_FRESHNESS
from neuralake.results.records import SCHEMA_VERSION, StorageFacts
from neuralake.results.store import RunStore
from neuralake.workloads.course import Course, carry_out
from neuralake.workloads.freshness.events import SCHEMA
from neuralake.workloads.freshness.plan import FreshnessObserver, FreshnessPlan, keys_of
from neuralake.workloads.freshness.round import Outcome, RoundRunner
from neuralake.workloads.places import (
    Target,
    check_place,
    directory_of_run,
    drop,
    make_table,
    storage_facts,
)
from neuralake.workloads.recording import Begun, Roster

WORKLOAD = "freshness"

Observe = Callable[[FreshnessHeader], AbstractContextManager[FreshnessObserver]]


def freshness(
    plan: FreshnessPlan,
    store: RunStore,
    observe: Observe,
    *,
    resumed: tuple[FreshnessRun, Path] | None = None,
) -> tuple[FreshnessRun, Path]:
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
        An interrupted run that is to go on, and its directory; the plan is what it was. Rounds
        that came to their end are not measured again; the one that was interrupted is.

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, samples and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    PlaceError
        If the tables cannot be made.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    course = Course(
        RUN_OF_FRESHNESS,
        prepare=partial(_prepared, plan),
        observe=observe,
        measure=partial(_measure, plan),
    )
    return carry_out(course, store, resumed)


def plan_of(run: FreshnessRun, options: dict[str, str]) -> FreshnessPlan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    options
        What reaches its storage.
    """
    header = run.header
    return FreshnessPlan(
        load=header.load,
        asking=header.asking,
        compaction=header.compaction,
        rounds=header.rounds,
        place=Target(header.storage.uri, options),
        timeout_s=header.timeout_s,
        keeps_tables=header.keeps_tables,
    )


def _prepared(plan: FreshnessPlan) -> Callable[[Begun], FreshnessHeader]:
    storage = storage_facts(plan.place)
    check_place(plan.place, SCHEMA)
    return partial(_header, plan, storage)


def _header(plan: FreshnessPlan, storage: StorageFacts, begun: Begun) -> FreshnessHeader:
    return FreshnessHeader(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=WORKLOAD,
        fingerprint=begun.fingerprint,
        load=plan.load,
        asking=plan.asking,
        compaction=plan.compaction,
        rounds=plan.rounds,
        storage=storage,
        schema={field.name: str(field.type) for field in SCHEMA},
        timeout_s=plan.timeout_s,
        keeps_tables=plan.keeps_tables,
    )


def _measure(
    plan: FreshnessPlan,
    header: FreshnessHeader,
    directory: Path,
    journal: JournalWriter,
    observer: FreshnessObserver,
    past: FreshnessRun | None,
) -> None:
    judged = {result.key for result in past.verifications} if past else set()
    done = {r.key for r in past.rounds if r.status != "ok" or r.key in judged} if past else set()
    runner = RoundRunner(plan, directory, Roster(journal, past.readers if past else ()))
    every = list(keys_of(header))
    seconds = Spans.of(plan.load).end_ns / 1e9
    with directory_of_run(plan.place, header.id, keeps_tables=plan.keeps_tables) as place:
        for number, key in enumerate(every, start=1):
            if key in done:
                continue
            observer.before(key, number, len(every), seconds)
            target = place.below(key.stem)
            drop(target)
            make_table(target, SCHEMA)
            outcome = runner.measure(key, target)
            found: Round = outcome.round if isinstance(outcome, Outcome) else outcome
            journal.append(found)
            observer.after(found)
            if isinstance(outcome, Outcome):
                result = runner.verify(outcome, target)
                journal.append(result)
                observer.verified(result)
            if not plan.keeps_tables:
                drop(target)
