"""Latency of each query, and concurrent streams of all of them, on each engine.

``setup_cache`` runs everything; the benchmarks hand out what it has measured. What was not asked
for is skipped. A wrong or missing answer has no number: its benchmark fails and says why
(``asv run --show-stderr``).
"""

from __future__ import annotations

import os

from .counting import CountedAll, count_all
from .measuring import Measured, Measurements, measure_all
from .plan import COUNTED, ENGINES, QUERIES, STREAMS
from .samples import Samples, ratios, samples


def setup_cache() -> Measurements:
    """Run each engine's streams in one process of its own, in each arm."""
    return measure_all(os.environ)


# Seconds without any output: one round of the slowest engine takes less
setup_cache.timeout = 1800  # type: ignore[attr-defined]


def _of(cache: Measurements, arm: str, engine: str) -> Measured:
    found = cache.arms.get(arm, {})
    if engine not in found:
        raise NotImplementedError(f"{arm} of {engine} was not asked for")
    return found[engine]


class _OfQuery:
    """A value for each query on each engine."""

    params = (ENGINES, QUERIES)
    param_names = ("engine", "query")
    version = "1"
    timeout = 60
    arms: tuple[str, ...] = ("commit",)

    def setup(self, cache: Measurements, engine: str, query: str) -> None:
        """Skip what was not asked for."""
        for arm in self.arms:
            _of(cache, arm, engine)
        if query not in cache.plans[engine].queries:
            raise NotImplementedError(f"{query} was not asked for")


class Latency(_OfQuery):
    """Seconds of a query in a warm process: ``session.execute``, answer checked."""

    unit = "seconds"

    def track_latency(self, cache: Measurements, engine: str, query: str) -> Samples:
        """Samples, one a round."""
        return samples(_of(cache, "commit", engine).query(query))


class Anchor(_OfQuery):
    """The same of the anchor: how fast the machine was."""

    arms = ("anchor",)
    unit = "seconds"

    def track_latency(self, cache: Measurements, engine: str, query: str) -> Samples:
        """Samples, each beside that of the commit."""
        return samples(_of(cache, "anchor", engine).query(query))


class Ratio(_OfQuery):
    """Commit ÷ anchor: what is left when the machine's drift is taken out."""

    arms = ("commit", "anchor")
    unit = "ratio"

    def track_latency(self, cache: Measurements, engine: str, query: str) -> Samples:
        """Samples, one a pair."""
        pair = (_of(cache, arm, engine).query(query) for arm in self.arms)
        return ratios(*pair)


class Instructions:
    """Instructions of a query at scale factor 0.01 on one thread, counted under Valgrind."""

    params = (COUNTED, QUERIES)
    param_names = ("engine", "query")
    unit = "instructions"
    version = "1"
    timeout = 60

    def setup_cache(self) -> CountedAll:
        """Count each engine's queries in processes of their own."""
        return count_all(os.environ)

    setup_cache.timeout = 1800  # type: ignore[attr-defined]

    def setup(self, cache: CountedAll, engine: str, query: str) -> None:
        """Skip what was not asked for, and everything where nothing can be counted."""
        if cache.uncounted is not None:
            raise NotImplementedError(cache.uncounted)
        if engine not in cache.plans or query not in cache.plans[engine].queries:
            raise NotImplementedError(f"{engine}, {query} was not asked for")

    def track_instructions(self, cache: CountedAll, engine: str, query: str) -> Samples:
        """Samples, one an execution."""
        return samples(cache.found[engine].query(query))


class _OfStreams:
    """A value for each number of concurrent streams on each engine."""

    params = (ENGINES, STREAMS)
    param_names = ("engine", "streams")
    version = "1"
    timeout = 60
    arms: tuple[str, ...] = ("commit",)

    def setup(self, cache: Measurements, engine: str, streams: int) -> None:
        """Skip what was not asked for."""
        for arm in self.arms:
            _of(cache, arm, engine)
        if streams not in cache.plans[engine].streams:
            raise NotImplementedError("streams were not asked for, or not with all queries")


class Throughput(_OfStreams):
    """Concurrent streams of 22 queries: threads over one session, each in its own order."""

    unit = "seconds"

    def track_seconds(self, cache: Measurements, engine: str, streams: int) -> Samples:
        """Samples, one a run: seconds until the last stream has ended."""
        return samples(_of(cache, "commit", engine).streams(streams))


class AnchorThroughput(_OfStreams):
    """The same of the anchor."""

    arms = ("anchor",)
    unit = "seconds"

    def track_seconds(self, cache: Measurements, engine: str, streams: int) -> Samples:
        """Samples, each beside that of the commit."""
        return samples(_of(cache, "anchor", engine).streams(streams))


class RatioThroughput(_OfStreams):
    """Commit ÷ anchor."""

    arms = ("commit", "anchor")
    unit = "ratio"

    def track_seconds(self, cache: Measurements, engine: str, streams: int) -> Samples:
        """Samples, one a pair."""
        pair = (_of(cache, arm, engine).streams(streams) for arm in self.arms)
        return ratios(*pair)


class Memory:
    """Peak memory of an engine that has run all queries, one at a time."""

    params = (ENGINES,)
    param_names = ("engine",)
    unit = "bytes"
    version = "1"
    timeout = 60

    def setup(self, cache: Measurements, engine: str) -> None:
        """Skip what was not asked for."""
        _of(cache, "commit", engine)
        if not cache.plans[engine].is_whole:
            raise NotImplementedError("not all queries were asked for")

    def track_peak_rss(self, cache: Measurements, engine: str) -> int:
        """Bytes of its process tree."""
        return _of(cache, "commit", engine).memory()
