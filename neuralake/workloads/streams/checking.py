"""Whether a phase was right: every answer at its versions, and the tables when all is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import CatalogError
from neuralake.queries.answers import compare
from neuralake.queries.workload import Workload
from neuralake.results.phases.records import AnswerCheck, EndCheck, PhaseRecord
from neuralake.results.phases.samples import TaskSample, read_samples
from neuralake.tpch.answers import OFFICIAL_SCALE_FACTORS
from neuralake.tpch.refresh.checks import Check, check_tables, table_totals
from neuralake.tpch.refresh.keys import KeyMapping
from neuralake.tpch.refresh.mapped import mapped_workload
from neuralake.tpch.refresh.staged import Staged, Totals
from neuralake.workloads.executor import open_answer
from neuralake.workloads.failures import FAILURES
from neuralake.workloads.phases.checking import Reference, check_answers, reference
from neuralake.workloads.phases.model import PhasePlan
from neuralake.workloads.phases.reference import another_engine
from neuralake.workloads.streams.plan import StreamsObserver, StreamsPlan, sets_of


@dataclass(frozen=True)
class Site:
    """What the phases of a run have in common.

    Attributes
    ----------
    directory
        Of the run.
    scratch
        Directory for what is gone when the run ends.
    staged
        The refresh sets.
    fresh
        What the tables add up to without a refresh.
    """

    directory: Path
    scratch: Path
    staged: Staged
    fresh: Totals


def check_phase(
    plan: StreamsPlan,
    phase: PhaseRecord,
    planned: PhasePlan,
    tables: Mapping[str, DeltaTable],
    site: Site,
    observer: StreamsObserver,
) -> tuple[tuple[AnswerCheck, ...], tuple[EndCheck, ...]]:
    """Judge a phase when nothing of it is measured any more.

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
    site
        Of the run.
    observer
        Is told by whom answers are checked.

    Returns
    -------
    tuple
        Verdicts on the answers, and on the tables.
    """
    samples = read_samples(site.directory, phase.parts)
    queries = {query.name: query for query in plan.workload.queries}
    numbers = sets_of(plan, phase.key.phase)
    with ExitStack() as stack:
        by, lacking = _reference(plan, phase, tables, site, stack)
        if by is None:
            answers = tuple(
                AnswerCheck(s.session, s.position, s.task, "unverified", None, lacking)
                for s in samples
                if s.answer is not None
            )
        else:
            observer.checking(phase.key, by.name)
            found = check_answers(samples, planned, tables, queries, by, site.directory)
            answers = tuple(found)
        if phase.status != "ok":
            return answers, ()
        end = list(_tables(samples, numbers, plan.workload.tables, tables, site))
        is_whole = all(sample.status == "ok" for sample in samples if sample.kind != "query")
        if is_whole and by is not None and plan.scale_factor in OFFICIAL_SCALE_FACTORS:
            mapping = KeyMapping(numbers, plan.scale_factor)
            end.append(_official(mapped_workload(plan.workload, mapping), tables, by))
        return answers, tuple(end)


def _reference(
    plan: StreamsPlan,
    phase: PhaseRecord,
    tables: Mapping[str, DeltaTable],
    site: Site,
    stack: ExitStack,
) -> tuple[Reference | None, str]:
    """Another engine, started; or why there is none."""
    other = another_engine(phase.key.engine, plan.engines, tables)
    if other is None:
        return None, "no other engine can run here"
    log = site.directory / "logs" / f"{phase.key.stem}-reference.log"
    try:
        return stack.enter_context(reference(other, log, site.scratch / "reference")), ""
    except FAILURES as failure:
        return None, f"{other.name} did not start: {failure}"


def _tables(
    samples: Sequence[TaskSample],
    numbers: Sequence[int],
    originals: Mapping[str, object],
    tables: Mapping[str, DeltaTable],
    site: Site,
) -> Iterator[EndCheck]:
    """What must hold of orders and lineitem after the refreshes that were made."""
    inserted, torn = _made(samples, "RF1", numbers)
    deleted, torn_too = _made(samples, "RF2", numbers)
    if torn or torn_too:
        words = f"{(torn + torn_too)[0]} was not made in both tables"
        yield EndCheck("tables", None, f"not looked at, since {words}")
        return
    changed = {name: tables[name].pinned() for name in ("orders", "lineitem")}
    try:
        for check in check_tables(changed, site.fresh, site.staged, inserted, deleted):
            yield _end(check)
        before = []
        for name in ("orders", "lineitem"):
            version = getattr(originals[name], "version", None)
            before.append(replace(tables[name], version=version, at=None))
        is_same = table_totals(before[0], before[1]) == site.fresh
        yield EndCheck(
            "the version before the refreshes is read as it was",
            is_same,
            None if is_same else "it has other rows now",
        )
    except CatalogError as error:
        yield EndCheck("tables", None, str(error))


def _made(
    samples: Sequence[TaskSample], function: str, numbers: Sequence[int]
) -> tuple[list[int], list[str]]:
    """Sets of which a refresh function was made in both tables, and those torn between them."""
    whole, torn = [], []
    for number in numbers:
        group = f"{function} of set {number}"
        states = {sample.status == "ok" for sample in samples if sample.group == group}
        if states == {True}:
            whole.append(number)
        elif len(states) > 1:
            torn.append(group)
    return whole, torn


def _official(workload: Workload, tables: Mapping[str, DeltaTable], by: Reference) -> EndCheck:
    """Whether the official answers hold again, with the keys of the orders that were replaced."""
    name = "official answers after the pairs"
    pinned = {table: tables[table].pinned() for table in tables}
    for query in workload.queries:
        try:
            path = by.answer(pinned, query.sql())
        except FAILURES as failure:
            return EndCheck(name, None, f"{query.name}: {by.name} gives no answer: {failure}")
        answer = open_answer(path)
        expected = workload.reference(query, answer.schema.empty_table())
        if expected is None:
            return EndCheck(name, None, f"{query.name} has no official answer")
        mismatch = compare(answer, expected, query)
        if mismatch is not None:
            return EndCheck(name, False, f"{query.name} of {by.name}: {mismatch}")
    return EndCheck(name, True)


def _end(check: Check) -> EndCheck:
    detail = None if check.passed else f"{check.found}, expected {check.expected}"
    return EndCheck(check.name, check.passed, detail)
