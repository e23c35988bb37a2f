"""What a server counts, for Prometheus. Source: Prometheus, "Metric and label naming"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from neuralake.serving.backend import Backend

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "neuralake_serve"
_BUCKETS_S = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
)


class Metrics:
    """Counts of one server.

    Parameters
    ----------
    service
        Whose state is told, too.
    """

    def __init__(self, service: Backend) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._requests = Counter(
            f"{_PREFIX}_requests",
            "Requests that were answered, by route and status",
            ["route", "status"],
            registry=self._registry,
        )
        self._durations = Histogram(
            f"{_PREFIX}_request_seconds",
            "Duration of a request until its last byte was handed over",
            ["route"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._sent = Counter(
            f"{_PREFIX}_sent_bytes", "Bytes of bodies", ["route"], registry=self._registry
        )
        self._gone = Counter(
            f"{_PREFIX}_abandoned",
            "Requests whose client went before the answer was whole",
            registry=self._registry,
        )
        self._registry.register(self)  # it collects, and need not inherit
        self._known: dict[tuple[str, int], Any] = {}

    def count(self, route: str, status: int, duration_s: float, sent_bytes: int) -> None:
        """Count a request that was answered."""
        known = self._known.get((route, status))
        if known is None:
            known = self._known[route, status] = (
                self._requests.labels(route, str(status)),
                self._durations.labels(route),
                self._sent.labels(route),
            )
        requests, durations, sent = known
        requests.inc()
        durations.observe(duration_s)
        sent.inc(sent_bytes)

    def abandon(self) -> None:
        """Count a client that went."""
        self._gone.inc()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What the service is at, at the moment."""
        for name, words, value in (
            ("running", "Requests that run", self._service.turns.running),
            ("waiting", "Requests that wait for their turn", self._service.turns.waiting),
            ("places", "Requests that may run at once", self._service.turns.places),
        ):
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", words, value)
        sizes = GaugeMetricFamily(
            f"{_PREFIX}_hot_bytes", "Memory of a table that is kept as Arrow", labels=["table"]
        )
        versions = GaugeMetricFamily(
            f"{_PREFIX}_version", "Version of a table when it was last looked at", labels=["table"]
        )
        for state in self._service.states():
            sizes.add_metric([state.name], state.hot_bytes)
            if state.version is not None:
                versions.add_metric([state.name], state.version)
        yield sizes
        yield versions
