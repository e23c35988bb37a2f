"""The plan of a run of streams that was interrupted."""

from __future__ import annotations

from neuralake.config import Settings, is_remote
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.results.streams.records import StreamsRun
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.places import Target
from neuralake.workloads.streams.plan import StreamsPlan


def plan_of(run: StreamsRun, settings: Settings) -> StreamsPlan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    settings
        What reaches its dataset.

    Raises
    ------
    DatasetError
        If the dataset is there no more.
    EngineUnavailableError
        If an engine cannot run any more.
    """
    header = run.header
    engines = tuple(EngineSpec(request.name, dict(request.options)) for request in header.engines)
    for spec in engines:
        registry.require(spec)
    uri = header.place
    return StreamsPlan(
        workload=open_workload(header.dataset_uri, settings),
        engines=engines,
        streams=header.streams,
        seed=header.seed,
        mapping=header.mapping,
        place=Target(uri, settings.storage_options(uri) if is_remote(uri) else {}),
        sets=header.sets,
        rounds=header.rounds,
        writer=header.writer,
        limits=header.limits,
        keeps_tables=header.keeps_tables,
    )
