"""How a run of lifecycle is told: the same in the terminal, the page and the summary."""

from __future__ import annotations

from neuralake.report.numbers import count
from neuralake.results.lifecycle.records import LifecycleHeader
from neuralake.results.phases.records import PhaseKey
from neuralake.stats.summary import Interval

TASKS = {
    "query": "query",
    "create": "bulk load",
    "append": "append",
    "merge": "upsert",
    "delete": "delete",
    "delete_keys": "delete by keys",
    "update": "update",
    "compact": "compaction",
    "z_order": "Z-order",
    "vacuum": "vacuum",
    "checkpoint": "checkpoint",
}


def where(key: PhaseKey, repetitions: int = 1) -> str:
    """A phase of an engine, with its repetition where there are several."""
    told = f"{key.engine}, {key.phase}"
    return f"{told}, repetition {key.repetition}" if repetitions > 1 else told


def load_in_words(header: LifecycleHeader) -> str:
    """What was run."""
    size = "" if header.scale_factor is None else f" at SF {header.scale_factor:g}"
    of = "TPC-H" if header.queries_of == "tpch" else header.queries_of
    phases = count(len(header.phases), "phase")
    repetitions = count(header.repetitions, "repetition")
    return f"plan {header.plan} on {of}{size}, {phases}, {repetitions}"


def signed(share: float) -> str:
    """A relative change in percent, with its sign."""
    return f"{share * 100:+.1f} %"


def rate(interval: Interval | None) -> str:
    """S_DR."""
    return "none" if interval is None else signed(interval.median)


def rate_ends(interval: Interval | None, repetitions: int) -> str:
    """The interval of S_DR, or why there is none."""
    if interval is None:
        return ""
    if repetitions < 2:
        return "one repetition: no interval"
    low, high = signed(interval.low), signed(interval.high)
    return f"{low} to {high} ({interval.confidence:.0%})"
