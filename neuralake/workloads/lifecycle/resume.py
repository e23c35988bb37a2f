"""The plan of a run of lifecycle that was interrupted."""

from __future__ import annotations

from dataclasses import replace

from neuralake.config import Settings, is_remote
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.workloads.bench import ChosenEngines
from neuralake.workloads.lifecycle.opening import recorded_workload
from neuralake.workloads.lifecycle.plan import LifecyclePlan, make_plan
from neuralake.workloads.places import Target


def plan_of(run: LifecycleRun, settings: Settings) -> LifecyclePlan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    settings
        What reaches its tables.

    Raises
    ------
    DatasetError, QueryError, CatalogError
        If its tables or queries are there no more.
    EngineUnavailableError
        If an engine cannot run any more.
    """
    header = run.header
    engines = tuple(EngineSpec(request.name, dict(request.options)) for request in header.engines)
    for spec in engines:
        registry.require(spec)
    options = settings.storage_options(header.place) if is_remote(header.place) else {}
    plan = make_plan(
        header.plan_text,
        header.plan_source,
        recorded_workload(header, settings),
        ChosenEngines(engines),
        place=Target(header.place, options),
        repetitions=header.repetitions,
        writer=header.writer,
        limits=header.limits,
        keeps_tables=header.keeps_tables,
    )
    return replace(plan, engines=engines, mapping=header.mapping)
