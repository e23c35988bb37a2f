"""What the queries of a table cost when they were last measured, from the runs that were kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from neuralake.config import join_uri
from neuralake.errors import ResultsError
from neuralake.queries.sql import table_names
from neuralake.results.kinds import RUN_OF_QUERIES
from neuralake.results.records import Run
from neuralake.results.store import RunStore
from neuralake.results.summary import summarise
from neuralake.results.texts import read_texts
from neuralake.site.facts import CostFacts

# A page is made again and again beside a store that only grows
_NEWEST_RUNS = 30


def costs_by_uri(store: RunStore, uris: Sequence[str]) -> Mapping[str, tuple[CostFacts, ...]]:
    """Of each table the newest measurement of every query that read it, on every engine.

    Parameters
    ----------
    store
        Of runs; the newest thirty of queries are looked at, and one that cannot be read is passed
        over.
    uris
        Of the tables.

    Returns
    -------
    mapping
        By URI, of the tables of which there is any.
    """
    found: dict[str, dict[tuple[str, str], CostFacts]] = {}
    for run, texts in islice(_newest(store), _NEWEST_RUNS):
        summary = summarise(run)
        for query in summary.queries:
            read = table_names(texts.get(query, "")) or frozenset()
            places = {place for name in read if (place := _place(run, name)) in uris}
            for engine in summary.engines:
                cell = summary.cells[query, engine]
                cost = CostFacts(
                    query=query,
                    engine=engine,
                    status=cell.status,
                    latency_s=None if cell.latency_s is None else cell.latency_s.median,
                    runs=cell.runs,
                    run=run.header.id,
                    measured_at=run.header.created_at,
                )
                for place in places:
                    if place is not None:
                        found.setdefault(place, {}).setdefault((query, engine), cost)
    return {uri: tuple(costs.values()) for uri, costs in found.items()}


def _newest(store: RunStore) -> Iterator[tuple[Run, Mapping[str, str]]]:
    for directory, run in store.each_of(RUN_OF_QUERIES, newest_first=True):
        if isinstance(run, ResultsError):
            continue
        with suppress(ResultsError):
            yield run, read_texts(run, directory).sql


def _place(run: Run, table: str) -> str | None:
    """Where a table lay that a run read: as it was recorded, or within the dataset."""
    recorded = run.header.dataset.get("tables")
    known = recorded.get(table) if isinstance(recorded, Mapping) else None
    if isinstance(known, Mapping) and isinstance(uri := known.get("uri"), str):
        return uri
    return join_uri(run.header.dataset_uri, table)
