"""Whether a phase was right: every answer at its versions, and the tables when all is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from neuralake.catalog.tables import DeltaTable
from neuralake.results.phases.records import AnswerCheck, EndCheck, PhaseRecord
from neuralake.results.phases.samples import read_samples
from neuralake.tpch.refresh.model import RefreshSet
from neuralake.workloads.failures import FAILURES
from neuralake.workloads.phases.checking import Reference, check_answers, reference
from neuralake.workloads.phases.model import PhasePlan
from neuralake.workloads.phases.reference import another_engine
from neuralake.workloads.streams.plan import StreamsObserver, StreamsPlan


class Site(Protocol):
    """Where a phase has its files."""

    directory: Path
    scratch: Path


def check_phase(
    plan: StreamsPlan,
    phase: PhaseRecord,
    planned: PhasePlan,
    tables: Mapping[str, DeltaTable],
    sets: Sequence[RefreshSet],
    site: Site,
    observer: StreamsObserver,
) -> tuple[tuple[AnswerCheck, ...], tuple[EndCheck, ...]]:
    """Judge a phase that came to its end.

    Parameters
    ----------
    plan
        Of the run.
    phase
        As it was measured.
    planned
        What ran.
    tables
        Its own.
    sets
        Its refresh sets.
    site
        Where it has its files.
    observer
        Is told by whom answers are checked.

    Returns
    -------
    tuple
        Verdicts on the answers, and on the tables.
    """
    samples = read_samples(site.directory, phase.parts)
    queries = {query.name: query for query in plan.workload.queries}
    engine = phase.key.engine
    other = another_engine(engine, plan.engines)
    with ExitStack() as stack:
        by: Reference | None = None
        unverified = "no other engine can run here"
        if other is not None:
            log = site.directory / "logs" / f"{phase.key.stem}-reference.log"
            try:
                by = stack.enter_context(reference(other, log, site.scratch / "reference"))
            except FAILURES as failure:
                unverified = f"{other.name} did not start: {failure}"
        if by is None:
            answers = tuple(
                AnswerCheck(s.session, s.position, s.task, "unverified", None, unverified)
                for s in samples
                if s.answer is not None
            )
            return answers, ()
        observer.checking(phase.key, by.name)
        answers = tuple(check_answers(samples, planned, tables, queries, by, site.directory))
        return answers, ()
