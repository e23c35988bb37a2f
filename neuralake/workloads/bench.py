"""A bench: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import QueryError, ResultsError
from neuralake.measure.memory import memory_limiter
from neuralake.queries.answers import require_columns
from neuralake.queries.sql import tables_read
from neuralake.queries.workload import Workload, select_queries
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_QUERIES
from neuralake.results.records import SCHEMA_VERSION, Header, Limits, Run
from neuralake.results.store import RunStore
from neuralake.results.texts import write_sql
from neuralake.workloads.course import Course, carry_out
from neuralake.workloads.plan import Observer, Plan
from neuralake.workloads.power import run_power
from neuralake.workloads.recording import Begun
from neuralake.workloads.resume import (
    engine_requests,
    facts,
    query_digests,
    remove_unfinished_answers,
    requested_engines,
)

DEFAULT_ENGINES = ("polars", "datafusion", "spark")


@dataclass(frozen=True)
class ChosenEngines:
    """Engines of a run: those that can run here, and those that cannot, with the reason."""

    available: tuple[EngineSpec, ...]
    unavailable: tuple[tuple[EngineSpec, str], ...] = ()


def choose_engines(specs: Sequence[EngineSpec], *, required: bool) -> ChosenEngines:
    """Find out which engines can run here.

    Parameters
    ----------
    specs
        In the order in which they are to run.
    required
        Whether an engine that cannot run is an error; otherwise the others run without it.

    Raises
    ------
    EngineUnavailableError
        If a required engine cannot run here, or none can.
    """
    reasons = [(spec, registry.engine_type(spec.name).unavailable()) for spec in specs]
    available = tuple(spec for spec, reason in reasons if reason is None)
    unavailable = tuple((spec, reason) for spec, reason in reasons if reason is not None)
    if unavailable and (required or not available):
        registry.require(unavailable[0][0])
    return ChosenEngines(available, unavailable)


def make_plan(
    workload: Workload,
    engines: ChosenEngines,
    *,
    selection: str | None,
    hot_runs: int,
    cold_runs: int = 0,
    limits: Limits | None = None,
) -> Plan:
    """Check everything that can be checked before anything is measured.

    Parameters
    ----------
    workload
        Whose tables, as far as the queries read them, are compared with their declarations here.
    engines
        From :func:`choose_engines`.
    selection
        Queries, such as ``1,6,9-12``; None for all.
    hot_runs
        Runs of each query after the first.
    cold_runs
        Runs of each query in a new process, with the dataset out of the page cache.
    limits
        What one execution may take.

    Raises
    ------
    QueryError
        If a query is unknown, its header names a column that its result has not, or a number of
        runs is impossible.
    CatalogError
        If a table cannot be read, or differs from its declaration.
    """
    for what, number, least in (("hot runs", hot_runs, 1), ("cold runs", cold_runs, 0)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise QueryError(f"{what} are {number!r}: expected a whole number from {least} on")
    queries = select_queries(workload.queries, selection)
    for query in queries:
        require_columns(query)
    read = frozenset().union(*(tables_read(q.sql(), workload.tables) for q in queries))
    tables = {name: table for name, table in workload.tables.items() if name in read}
    for table in tables.values():
        table.check()
    workload = replace(workload, tables=tables)
    limits = limits or Limits()
    specs = tuple(
        registry.resolve(registry.reaching(spec, tables), limits.memory_bytes)
        for spec in engines.available
    )
    return Plan(workload, queries, specs, hot_runs, cold_runs, limits, engines.unavailable)


def make_limits(timeout_s: float | None, memory_bytes: int | None) -> Limits:
    """What one execution may take, and how its memory is limited on this machine.

    Raises
    ------
    QueryError
        If a limit is not above 0.
    """
    for what, limit in (("timeout", timeout_s), ("memory limit", memory_bytes)):
        if limit is not None and not 0 < limit < float("inf"):
            raise QueryError(f"the {what} is {limit!r}: expected a number above 0")
    limiter = None if memory_bytes is None else memory_limiter(memory_bytes)
    return Limits(timeout_s, memory_bytes, limiter)


def plan_of(run: Run, workload: Workload) -> Plan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    workload
        What it measured, as it is now.

    Raises
    ------
    EngineUnavailableError
        If an engine cannot run any more.
    ResultsError
        If a query is there no more.
    """
    header = run.header
    chosen = choose_engines(requested_engines(header), required=True)
    plan = make_plan(
        workload,
        chosen,
        selection=None,
        hot_runs=header.runs,
        cold_runs=header.cold_runs,
        limits=header.limits,
    )
    by_name = {query.name: query for query in plan.queries}
    for name in header.queries:
        if name not in by_name:
            raise ResultsError(f"run {header.id} cannot be resumed: query {name} is there no more")
    queries = tuple(by_name[name] for name in header.queries)
    unavailable = tuple(
        (EngineSpec(engine.name, dict(engine.options)), engine.unavailable)
        for engine in run.engines
        if engine.unavailable is not None
    )
    engines = requested_engines(header)
    return replace(plan, queries=queries, engines=engines, unavailable=unavailable)


def bench(
    plan: Plan,
    store: RunStore,
    observe: Callable[[Plan], AbstractContextManager[Observer]],
    *,
    resumed: tuple[Run, Path] | None = None,
) -> tuple[Run, Path]:
    """Carry out a plan.

    Parameters
    ----------
    plan
        From :func:`make_plan`.
    store
        Where the run is kept.
    observe
        Makes the observer that is told of each step.
    resumed
        An interrupted run that is to go on, and its directory; the plan is what it was.

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, answers and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    for spec in plan.engines:
        registry.prepare(spec)
    course = Course(
        RUN_OF_QUERIES,
        prepare=lambda: partial(_header, plan),
        observe=lambda _: observe(plan),
        measure=partial(_measure, plan),
        workload=plan.workload.name,
        scale_factor=plan.workload.scale_factor,
        facts=partial(facts, plan),
    )
    return carry_out(course, store, resumed)


def _header(plan: Plan, begun: Begun) -> Header:
    workload = plan.workload
    return Header(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=workload.name,
        dataset_uri=workload.dataset_uri,
        scale_factor=workload.scale_factor,
        dataset=workload.dataset,
        queries=tuple(query.name for query in plan.queries),
        runs=plan.hot_runs,
        fingerprint=begun.fingerprint,
        engines=engine_requests(plan),
        cold_runs=plan.cold_runs,
        limits=plan.limits,
        query_sha256=query_digests(plan.queries),
    )


def _measure(
    plan: Plan,
    _: Header,
    directory: Path,
    journal: JournalWriter,
    observer: Observer,
    past: Run | None,
) -> None:
    write_sql(directory, {query.name: query.sql() for query in plan.queries})
    remove_unfinished_answers(directory)
    run_power(plan, directory, journal, observer, past)
