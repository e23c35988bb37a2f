"""How a run of serving is told: the same in the terminal, the page and the summary."""

from __future__ import annotations

from neuralake.report.numbers import per_second
from neuralake.results.serving.records import Load, Mix, Rate
from neuralake.results.serving.summary import Line


def name(line: Line) -> str:
    """A contestant, and the rate that was offered to it."""
    return f"{line.contestant} at {rate(line)}"


def rate(line: Line) -> str:
    """A rate as it was asked for, and in requests a second where it was a share."""
    if line.offered is None or not line.rate.endswith("%"):
        return f"{line.rate}/s"
    return f"{line.rate} ({per_second(line.offered)}/s)"


def mix_in_words(mix: Mix) -> str:
    """What is asked."""
    if len(mix.weights) == 1:
        (kind,) = mix.weights
        asked = {"point": "point queries", "aggregate": "aggregates", "tpch": "TPC-H"}[kind]
    else:
        asked = ", ".join(f"{weight:.0%} {kind}" for kind, weight in mix.weights.items())
    if set(mix.weights) == {"tpch"}:
        return asked
    return f"{asked} on {mix.table_rows:,} rows, {mix.keys} keys"


def load_in_words(load: Load) -> str:
    """What was offered."""
    return (
        f"{mix_in_words(load.mix)}, open loop, {load.arrivals} arrivals, {load.duration_s:g} s a "
        f"round, at most {load.connections:,} connections"
    )


def rates_in_words(rates: tuple[Rate, ...]) -> str:
    """All that were offered."""
    return ", ".join(found.text if found.share else f"{found.text}/s" for found in rates)


def seconds(value: float | None) -> str:
    """How long recovery took."""
    if value is None:
        return "–"
    return "never" if value == float("inf") else f"{value:.1f}"
