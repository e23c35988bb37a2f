"""The kinds of run that there are, by the name that the header of a journal has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.results.freshness.export import polls_table
from neuralake.results.freshness.journal import FreshnessEntry, read_freshness
from neuralake.results.freshness.records import KIND as FRESHNESS
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.ingest.export import commits_table
from neuralake.results.ingest.journal import IngestEntry, read_ingest
from neuralake.results.ingest.records import KIND as INGEST
from neuralake.results.ingest.records import IngestRun
from neuralake.results.journal import Entry, read_journal
from neuralake.results.kind import Kind, RunOverview
from neuralake.results.lifecycle.export import lifecycle_table
from neuralake.results.lifecycle.journal import LifecycleEntry, read_lifecycle
from neuralake.results.lifecycle.records import KIND as LIFECYCLE
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.parts import Part
from neuralake.results.records import QUERIES, EngineRecord, Run
from neuralake.results.samples import samples_table
from neuralake.results.serving.export import requests_table
from neuralake.results.serving.journal import ServingEntry, read_serving
from neuralake.results.serving.records import KIND as SERVING
from neuralake.results.serving.records import Capacity, Round, ServingRun
from neuralake.results.streams.export import tasks_table
from neuralake.results.streams.journal import StreamsEntry, read_streams
from neuralake.results.streams.records import KIND as STREAMS
from neuralake.results.streams.records import StreamsRun


def _overview(
    run: Any,
    engines: Iterable[str],
    samples: int,
    is_right: Iterable[bool],
    scale_factor: float | None = None,
) -> RunOverview:
    """A run of any kind in a line, by what of it is told in each kind's own way."""
    verdicts = list(is_right)
    return RunOverview(
        id=run.header.id,
        workload=run.header.workload,
        scale_factor=scale_factor,
        engines=tuple(engines),
        samples=samples,
        verified=sum(verdicts),
        judged=len(verdicts),
        state="finished" if run.finished_at else "interrupted",
    )


def _that_ran(engines: Iterable[EngineRecord]) -> Iterator[str]:
    return (engine.name for engine in engines if engine.unavailable is None)


def _samples_in(parts: Iterable[Part]) -> int:
    return sum(part.samples for part in parts)


def _overview_of_queries(run: Run) -> RunOverview:
    is_right = (v.verdict == "verified" for v in run.verifications)
    factor = run.header.scale_factor
    return _overview(run, _that_ran(run.engines), len(run.samples), is_right, factor)


def _samples_of_queries(run: Run, _: Path) -> pa.Table:
    return samples_table([run])


def _overview_of_ingest(run: IngestRun) -> RunOverview:
    labels = dict.fromkeys(r.key.case.label for r in run.rounds)
    is_right = (v.verdict == "verified" for v in run.verifications)
    return _overview(run, labels, _samples_in(p for r in run.rounds for p in r.parts), is_right)


def _overview_of_freshness(run: FreshnessRun) -> RunOverview:
    readers = dict.fromkeys(r.key.case.reader for r in run.rounds)
    is_right = (v.verdict == "verified" for v in run.verifications)
    return _overview(run, readers, sum(r.polls for r in run.rounds), is_right)


def _measured_of_serving(run: ServingRun) -> list[Capacity | Round]:
    return [*run.capacities, *run.rounds]


def _parts_of_serving(run: ServingRun) -> Iterator[Part]:
    return (part for found in _measured_of_serving(run) for part in found.parts)


def _overview_of_serving(run: ServingRun) -> RunOverview:
    is_right = (found.status == "ok" and not found.wrong for found in _measured_of_serving(run))
    samples = _samples_in(_parts_of_serving(run))
    return _overview(run, _that_ran(run.contestants), samples, is_right, run.header.scale_factor)


def _parts_of_phases(run: StreamsRun | LifecycleRun) -> Iterator[Part]:
    return (part for phase in run.phases for part in phase.parts)


def _answers_are_right(run: StreamsRun | LifecycleRun) -> Iterator[bool]:
    return (check.verdict == "verified" for phase in run.phases for check in phase.answers)


def _overview_of_streams(run: StreamsRun) -> RunOverview:
    samples, factor = _samples_in(_parts_of_phases(run)), run.header.scale_factor
    return _overview(run, _that_ran(run.engines), samples, _answers_are_right(run), factor)


def _overview_of_lifecycle(run: LifecycleRun) -> RunOverview:
    tables = (check.is_right is True for phase in run.phases for check in phase.end)
    samples, factor = _samples_in(_parts_of_phases(run)), run.header.scale_factor
    is_right = chain(_answers_are_right(run), tables)
    return _overview(run, _that_ran(run.engines), samples, is_right, factor)


RUN_OF_QUERIES = Kind(
    name=QUERIES,
    command="neuralake bench",
    document=Run,
    entry=Entry,
    read=read_journal,
    overview=_overview_of_queries,
    samples=_samples_of_queries,
)
RUN_OF_INGEST = Kind(
    name=INGEST,
    command="neuralake ingest",
    document=IngestRun,
    entry=IngestEntry,
    read=read_ingest,
    overview=_overview_of_ingest,
    samples=commits_table,
    parts=lambda run: (p for r in run.rounds for p in (*r.parts, r.sightings) if p),
)
RUN_OF_FRESHNESS = Kind(
    name=FRESHNESS,
    command="neuralake freshness",
    document=FreshnessRun,
    entry=FreshnessEntry,
    read=read_freshness,
    overview=_overview_of_freshness,
    samples=polls_table,
    parts=lambda run: (part for r in run.rounds if r.parts for part in r.parts.every),
)
RUN_OF_SERVING = Kind(
    name=SERVING,
    command="neuralake serving",
    document=ServingRun,
    entry=ServingEntry,
    read=read_serving,
    overview=_overview_of_serving,
    samples=requests_table,
    parts=_parts_of_serving,
)
RUN_OF_STREAMS = Kind(
    name=STREAMS,
    command="neuralake streams",
    document=StreamsRun,
    entry=StreamsEntry,
    read=read_streams,
    overview=_overview_of_streams,
    samples=tasks_table,
    parts=_parts_of_phases,
)
RUN_OF_LIFECYCLE = Kind(
    name=LIFECYCLE,
    command="neuralake lifecycle",
    document=LifecycleRun,
    entry=LifecycleEntry,
    read=read_lifecycle,
    overview=_overview_of_lifecycle,
    samples=lifecycle_table,
    parts=_parts_of_phases,
)
_ALL: tuple[Kind[Any], ...] = (
    RUN_OF_QUERIES,
    RUN_OF_INGEST,
    RUN_OF_FRESHNESS,
    RUN_OF_SERVING,
    RUN_OF_STREAMS,
    RUN_OF_LIFECYCLE,
)
KINDS: Mapping[str, Kind[Any]] = {kind.name: kind for kind in _ALL}
