"""What a writer's processes count, and how Prometheus is told of it.

Each process tallies for itself and hands over what was added since; the supervisor, which outlives
them, keeps the sums, so that a counter never falls when a process is restarted. Source: Prometheus,
"Metric and label naming", "Histograms and summaries".
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neuralake.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PREFIX = "neuralake_writer"
STEPS = ("wait", "conform", "encode", "write", "commit", "total")
BUCKETS_S = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
)
COUNTERS = {
    "rows": "Rows that were committed",
    "bytes": "Bytes of data files that were committed",
    "commits": "Commits, each with one append or several",
    "appends": "Appends that are durable",
    "repeated": "Deliveries that had been committed before, and were skipped",
    "attempts": "Attempts to commit; those beyond one a commit lost a race",
    "failed": "Deliveries that were not committed",
    "rejected": "Rows that do not fit the table and were put aside",
    "compactions": "Compactions that were committed",
    "compacted_files": "Data files that compactions have put together",
    "vacuumed_files": "Files that were removed from storage",
    "vacuumed_bytes": "Bytes that were removed from storage",
}
GAUGES = {
    "lag_seconds": "Age of the oldest row that was read and is not durable",
    "lag_messages": "Messages of the topic that the table does not have",
    "queue_bytes": "Bytes in memory of rows that were read and are not durable",
    "version": "Version of the table",
    "files": "Live data files of the table",
    "small_files": "Live data files that a compaction would take",
    "live_bytes": "Bytes of the live data files",
    "log_entries_since_checkpoint": "Commits that a reader replays one by one",
}


@dataclass
class Histogram:
    """Durations by bucket.

    Attributes
    ----------
    counts
        How many fell into each bucket of ``BUCKETS_S``, and beyond the last.
    sum_s
        Their sum, in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, duration_s: float) -> None:
        """Count a duration; one that is just a bucket's bound belongs to it."""
        self.counts[bisect_left(BUCKETS_S, duration_s)] += 1
        self.sum_s += duration_s

    def merge(self, other: Histogram) -> None:
        """Count what another has counted."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum_s += other.sum_s


@dataclass
class Figures:
    """What was counted: sums, states, and durations of a commit's steps by their name."""

    counters: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    steps: dict[str, Histogram] = field(default_factory=dict)

    def merge(self, later: Figures) -> None:
        """Add what was counted after."""
        for name, value in later.counters.items():
            self.counters[name] = self.counters.get(name, 0) + value
        self.gauges.update(later.gauges)
        for name, histogram in later.steps.items():
            self.steps.setdefault(name, Histogram()).merge(histogram)


class Tally:
    """Counts in one process; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures = Figures()

    def count(self, **added: float) -> None:
        """Add to counters, by their names in ``COUNTERS``."""
        with self._lock:
            for name, value in added.items():
                self._figures.counters[name] = self._figures.counters.get(name, 0) + value

    def set(self, **values: float) -> None:
        """Set gauges, by their names in ``GAUGES``."""
        with self._lock:
            self._figures.gauges.update(values)

    def observe(self, durations_ns: Mapping[str, int]) -> None:
        """Count the steps of one append, by their names in ``STEPS``, in nanoseconds."""
        with self._lock:
            for name, duration_ns in durations_ns.items():
                self._figures.steps.setdefault(name, Histogram()).add(duration_ns / 1e9)

    def take(self) -> Figures:
        """What was counted since it was last taken."""
        with self._lock:
            taken, self._figures = self._figures, Figures()
            return taken


@dataclass(eq=False)
class Totals:
    """The sums over all processes, for as long as the supervisor lives.

    Attributes
    ----------
    table
        Name of the table, which is a label.
    figures
        The sums.
    restarts
        How often a process was restarted, by its name.
    """

    table: str
    figures: Figures = field(default_factory=Figures)
    restarts: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, figures: Figures) -> None:
        """Add what a process has counted."""
        with self._lock:
            self.figures.merge(figures)

    def copy(self) -> Totals:
        """The sums as they are now."""
        with self._lock:
            figures = Figures()
            figures.merge(self.figures)
            return Totals(self.table, figures, dict(self.restarts))

    def collect(self) -> Iterator[Any]:
        """Metrics as Prometheus's client takes them."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        with self._lock:
            counters, gauges = dict(self.figures.counters), dict(self.figures.gauges)
            steps = {name: (list(h.counts), h.sum_s) for name, h in self.figures.steps.items()}
            restarts = dict(self.restarts)
        for name, words in COUNTERS.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", words, labels=["table"])
            counter.add_metric([self.table], counters.get(name, 0))
            yield counter
        for name, words in GAUGES.items():
            if name in gauges:
                gauge = GaugeMetricFamily(f"{PREFIX}_{name}", words, labels=["table"])
                gauge.add_metric([self.table], gauges[name])
                yield gauge
        restarted = CounterMetricFamily(
            f"{PREFIX}_restarts",
            "Processes that died and were started again",
            labels=["table", "process"],
        )
        for process, count in restarts.items():
            restarted.add_metric([self.table, process], count)
        yield restarted
        durations = HistogramMetricFamily(
            f"{PREFIX}_append_seconds",
            "Duration of an append by step, until it is durable",
            labels=["table", "step"],
        )
        for name, (counts, sum_s) in steps.items():
            durations.add_metric([self.table, name], _cumulative(counts), sum_s)
        yield durations


def check_metrics_extra() -> None:
    """Refuse to serve metrics without the package that does.

    Raises
    ------
    ConfigError
        With the line that installs it.
    """
    from importlib.util import find_spec

    if find_spec("prometheus_client") is None:
        raise ConfigError(
            "metrics are served by prometheus-client, which is not installed: "
            "pip install 'neuralake-bench[writer]'"
        )


def serve_metrics(totals: Totals, port: int) -> str:
    """Serve metrics on loopback, from threads of their own, for as long as the process lives.

    Returns
    -------
    str
        Where they are.

    Raises
    ------
    ConfigError
        If the extra is not installed.
    SourceError
        If the port is in use.
    """
    check_metrics_extra()
    from prometheus_client import CollectorRegistry, start_http_server

    registry: CollectorRegistry = CollectorRegistry()
    registry.register(totals)  # it collects, and need not inherit
    try:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise SourceError(
            f"cannot serve metrics on 127.0.0.1:{port}: {error.strerror}: choose another "
            "--metrics-port (0 takes a free one)"
        ) from error
    return f"http://127.0.0.1:{server.server_port}/metrics"


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    bounds = [*map(str, BUCKETS_S), "+Inf"]
    total = 0
    found: list[tuple[str, float]] = []
    for bound, count in zip(bounds, counts, strict=True):
        total += count
        found.append((bound, total))
    return found
