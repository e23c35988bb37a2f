"""A fixed commit measured beside each commit: the ratio to it is free of the machine's drift.

``module.AnchorThroughput.track_seconds`` is the anchor of ``module.Throughput.track_seconds``, and
``module.Anchor.track_latency`` that of every class of the module that has such a benchmark and no
anchor of its own name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from neuralake.history.records import Key, Measurement, Omission
from neuralake.stats.summary import Interval, median_interval

UNIT = "÷ anchor"
_PREFIX = "Anchor"


def anchor_of(benchmark: str, known: frozenset[str]) -> str | None:
    """Name of the benchmark that is the anchor of another, if it is among the known ones."""
    module, owner, method = _parts(benchmark)
    if owner is None or owner.startswith(_PREFIX):
        return None
    names = (f"{module}.{_PREFIX}{owner}.{method}", f"{module}.{_PREFIX}.{method}")
    return next((name for name in names if name in known), None)


def against_anchors(
    measurements: Sequence[Measurement],
) -> tuple[list[Measurement], dict[Key, str], list[Omission]]:
    """Divide what has an anchor by it; the anchors themselves are dropped.

    Parameters
    ----------
    measurements
        At most one of each key and commit.

    Returns
    -------
    tuple
        The measurements, of which some are ratios; the anchor of each such key; and what had an
        anchor, but not at its commit.
    """
    known = frozenset(m.key.benchmark for m in measurements)
    by_place = {_place(m.key, m.commit, m.key.benchmark): m for m in measurements}
    anchors = {name: found for name in known if (found := anchor_of(name, known))}
    measured = {_place(m.key, "", m.key.benchmark) for m in measurements}
    kept: list[Measurement] = []
    ratios: dict[Key, str] = {}
    missing: Counter[str] = Counter()
    for measurement in measurements:
        name = measurement.key.benchmark
        if name in set(anchors.values()):
            continue
        anchor = anchors.get(name)
        if anchor is None or _place(measurement.key, "", anchor) not in measured:
            kept.append(measurement)
            continue
        beside = by_place.get(_place(measurement.key, measurement.commit, anchor))
        if beside is None:
            missing[f"values of {name} without one of {anchor} beside them"] += 1
            continue
        kept.append(_ratio(measurement, beside))
        ratios[measurement.key] = anchor
    return kept, ratios, [Omission(reason, count) for reason, count in missing.items()]


def _ratio(measurement: Measurement, anchor: Measurement) -> Measurement:
    """A value ÷ its anchor's: of each round, where both were measured in the same rounds."""
    if len(measurement.samples) == len(anchor.samples) > 0:
        pairs = zip(measurement.samples, anchor.samples, strict=True)
        samples = tuple(own / other for own, other in pairs)
        interval: Interval | None = median_interval(samples)
        value = median_interval(samples).median
    else:
        samples, value = (), measurement.value / anchor.value
        interval = _quotient(value, measurement, anchor)
    return replace(measurement, value=value, interval=interval, samples=samples, unit=UNIT)


def _quotient(value: float, above: Measurement, below: Measurement) -> Interval | None:
    """The interval of a quotient: errors of independent logarithms add up in squares."""
    if above.interval is None or below.interval is None:
        return None
    high = math.hypot(
        math.log(above.interval.high / above.value), math.log(below.value / below.interval.low)
    )
    low = math.hypot(
        math.log(above.value / above.interval.low), math.log(below.interval.high / below.value)
    )
    confidence = min(above.interval.confidence, below.interval.confidence)
    return Interval(value, value / math.exp(low), value * math.exp(high), confidence)


def _parts(benchmark: str) -> tuple[str, str | None, str]:
    """Module, class and method of ``module.Class.method``; no class in ``module.function``."""
    path, _, method = benchmark.rpartition(".")
    module, _, owner = path.rpartition(".")
    return (module, owner, method) if module else (path, None, method)


def _place(key: Key, commit: str, benchmark: str) -> tuple[object, ...]:
    """Where a value and its anchor's meet: all but the benchmark and its code."""
    return (
        *(benchmark, commit, key.engine, key.query, key.parameters),
        *(key.machine, key.environment),
    )
