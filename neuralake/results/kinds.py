"""The kinds of run that there are, by the name that the header of a journal has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.results.freshness.export import polls_table
from neuralake.results.freshness.journal import FreshnessEntry, read_freshness
from neuralake.results.freshness.records import KIND as FRESHNESS
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.ingest.export import commits_table
from neuralake.results.ingest.journal import IngestEntry, read_ingest
from neuralake.results.ingest.records import KIND, IngestRun
from neuralake.results.journal import Entry, read_journal
from neuralake.results.kind import Kind, RunOverview
from neuralake.results.records import QUERIES, Run
from neuralake.results.samples import samples_table


def _overview_of_queries(run: Run) -> RunOverview:
    return RunOverview(
        id=run.header.id,
        workload=run.header.workload,
        scale_factor=run.header.scale_factor,
        engines=tuple(engine.name for engine in run.engines if engine.unavailable is None),
        samples=len(run.samples),
        verified=sum(v.verdict == "verified" for v in run.verifications),
        judged=len(run.verifications),
        state="finished" if run.finished_at else "interrupted",
    )


def _samples_of_queries(run: Run, _: Path) -> pa.Table:
    return samples_table([run])


def _overview_of_ingest(run: IngestRun) -> RunOverview:
    return RunOverview(
        id=run.header.id,
        workload=run.header.workload,
        engines=tuple(dict.fromkeys(r.key.case.label for r in run.rounds)),
        samples=sum(part.samples for r in run.rounds for part in r.parts),
        verified=sum(v.verdict == "verified" for v in run.verifications),
        judged=len(run.verifications),
        state="finished" if run.finished_at else "interrupted",
    )


def _overview_of_freshness(run: FreshnessRun) -> RunOverview:
    return RunOverview(
        id=run.header.id,
        workload=run.header.workload,
        engines=tuple(dict.fromkeys(r.key.case.reader for r in run.rounds)),
        samples=sum(r.polls for r in run.rounds),
        verified=sum(v.verdict == "verified" for v in run.verifications),
        judged=len(run.verifications),
        state="finished" if run.finished_at else "interrupted",
    )


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
    name=KIND,
    command="neuralake ingest",
    document=IngestRun,
    entry=IngestEntry,
    read=read_ingest,
    overview=_overview_of_ingest,
    samples=commits_table,
)
RUN_OF_FRESHNESS = Kind(
    name=FRESHNESS,
    command="neuralake freshness",
    document=FreshnessRun,
    entry=FreshnessEntry,
    read=read_freshness,
    overview=_overview_of_freshness,
    samples=polls_table,
)
KINDS: Mapping[str, Kind[Any]] = {
    kind.name: kind for kind in (RUN_OF_QUERIES, RUN_OF_INGEST, RUN_OF_FRESHNESS)
}
