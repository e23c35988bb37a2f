"""A bench: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import BusyError
from neuralake.measure.lock import HeldError, exclusive, machine_lock_path
from neuralake.queries.workload import Workload, select_queries
from neuralake.results.fingerprint import fingerprint
from neuralake.results.journal import JournalWriter
from neuralake.results.records import SCHEMA_VERSION, Header, Run
from neuralake.results.store import JOURNAL, RunStore, write_document
from neuralake.workloads.power import Observer, Plan, run_power

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
    workload: Workload, engines: ChosenEngines, *, selection: str | None, hot_runs: int
) -> Plan:
    """Check everything that can be checked before anything is measured.

    Parameters
    ----------
    workload
        Whose tables are compared with their declarations here.
    engines
        From :func:`choose_engines`.
    selection
        Queries, such as ``1,6,9-12``; None for all.
    hot_runs
        Runs of each query after the first.

    Raises
    ------
    QueryError
        If a query is unknown.
    CatalogError
        If a table cannot be read, or differs from its declaration.
    """
    queries = select_queries(workload.queries, selection)
    for table in workload.tables.values():
        table.check()
    return Plan(workload, queries, engines.available, hot_runs, engines.unavailable)


def bench(
    plan: Plan, store: RunStore, observe: Callable[[Plan], AbstractContextManager[Observer]]
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

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, answers and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    """
    for spec in plan.engines:
        registry.prepare(spec)
    workload = plan.workload
    try:
        with exclusive(machine_lock_path(), "neuralake bench"):
            now = datetime.now(UTC)
            directory = store.create(workload.name, workload.scale_factor, now)
            header = Header(
                schema_version=SCHEMA_VERSION,
                id=directory.name,
                created_at=now.isoformat(timespec="milliseconds"),
                workload=workload.name,
                dataset_uri=workload.dataset_uri,
                scale_factor=workload.scale_factor,
                dataset=workload.dataset,
                queries=tuple(query.name for query in plan.queries),
                runs=plan.hot_runs,
                fingerprint=fingerprint(Path.cwd()),
            )
            with JournalWriter(directory / JOURNAL) as journal:
                journal.append(header)
                with observe(plan) as observer:
                    run_power(plan, directory, journal, observer)
            return write_document(directory), directory
    except HeldError as held:
        raise BusyError(
            f"this machine is already measuring: {held}; two at once would disturb each other"
        ) from held
