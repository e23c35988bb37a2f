"""A plugin for asv: rates on the published page, derived from the seconds, and never judged.

To asv lower is better, whatever the unit, and it has no way to say otherwise. So seconds and bytes
are what results hold, ``asv compare`` marks and the regressions page lists. Rates, of which more is
better, are computed from them when everything has been judged, and are there to be looked at.

It lies outside the suite, which asv imports in the environments of the commits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from asv.graph import Graph, make_summary_graph
from asv.publishing import OutputPublisher

STREAM_SECONDS: Final = "streams.Throughput.track_seconds"
QUERIES_PER_HOUR: Final = "streams.Throughput.queries_per_hour"
GENERATION_SECONDS: Final = "generator.Generation.track_seconds"
GENERATION_SIZE: Final = "generator.Generation.track_size"
BYTES_PER_SECOND: Final = "generator.Generation.bytes_per_second"

_QUERIES_OF_A_STREAM = 22
_SECONDS_OF_AN_HOUR = 3600

Point = tuple[int, Any]


class Rates(OutputPublisher):  # type: ignore[misc]
    """Adds queries per hour and bytes per second to the page."""

    name = "rates"
    button_label = "Rates"
    description = "Throughput, derived from seconds"
    order = 10  # after the list of changes (1) and the regressions (3), which then lack them

    @classmethod
    def publish(
        cls, conf: Any, _repo: Any, benchmarks: dict[str, Any], graphs: Any, _revisions: Any
    ) -> None:
        """Write the graphs, and describe the benchmarks that they seem to be."""
        if streams := benchmarks.get(STREAM_SECONDS):
            amounts = [
                int(count) * _QUERIES_OF_A_STREAM * _SECONDS_OF_AN_HOUR
                for _, count in itertools.product(*streams["params"])
            ]
            benchmarks[QUERIES_PER_HOUR] = _described(streams, QUERIES_PER_HOUR, "queries/hour")
            _write(conf.html_dir, QUERIES_PER_HOUR, graphs, STREAM_SECONDS, _of_each(amounts))
        if generation := benchmarks.get(GENERATION_SECONDS):
            sizes = {g.path: g for g in graphs.get_graph_group(GENERATION_SIZE)}
            benchmarks[BYTES_PER_SECOND] = _described(generation, BYTES_PER_SECOND, "bytes/second")
            _write(conf.html_dir, BYTES_PER_SECOND, graphs, GENERATION_SECONDS, _of_sizes(sizes))


def _described(seconds: Mapping[str, Any], name: str, unit: str) -> dict[str, Any]:
    code = f"{name}: derived from {seconds['name']} when the page is published; more is better"
    return {**seconds, "name": name, "unit": unit, "code": code}


def _write(
    html_dir: str, name: str, graphs: Any, source: str, points: Callable[[Any], Iterator[Point]]
) -> None:
    derived = []
    for graph in graphs.get_graph_group(source):
        rates = Graph(name, graph.params)
        for revision, value in points(graph):
            rates.add_data_point(revision, value)
        rates.save(html_dir)
        derived.append(rates)
    if derived:
        make_summary_graph(derived).save(html_dir)


def _of_each(amounts: list[int]) -> Callable[[Any], Iterator[Point]]:
    """Rates of a graph that has a series for each amount."""

    def points(graph: Any) -> Iterator[Point]:
        for revision, values, _ in graph.get_data():
            yield revision, [_rate(a, v) for a, v in zip(amounts, values, strict=True)]

    return points


def _of_sizes(sizes: Mapping[str, Any]) -> Callable[[Any], Iterator[Point]]:
    """Rates of a graph of seconds, whose amounts are in the graph of sizes beside it."""

    def points(graph: Any) -> Iterator[Point]:
        beside = sizes.get(Graph.get_file_path(graph.params, GENERATION_SIZE))
        amounts = {r: size for r, size, _ in beside.get_data()} if beside else {}
        for revision, seconds, _ in graph.get_data():
            yield revision, _rate(amounts.get(revision), seconds)

    return points


def _rate(amount: float | None, seconds: float | None) -> float | None:
    known = not (amount is None or seconds is None or math.isnan(seconds))
    return amount / seconds if known and amount and seconds else None
