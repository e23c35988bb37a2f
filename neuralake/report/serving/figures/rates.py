"""Rate against latency: up to which offered rate the tail holds."""

from __future__ import annotations

from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.rates import AtRate, rates_sheet
from neuralake.report.latency import in_ms
from neuralake.report.serving import words
from neuralake.report.serving.figures.axes import marks_of
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import ServingSummary

_LEVELS = ("99", "95", "90", "50")


def rate_against_latency(run: ServingRun, summary: ServingSummary) -> Drawing | None:
    """The highest common percentile over the rates that were offered; None with one rate."""
    rated = [line for line in summary.lines if line.offered and line.percentiles_ms]
    if len({line.rate for line in rated}) < 2:
        return None
    level = next((v for v in _LEVELS if all(v in line.percentiles_ms for line in rated)), None)
    if level is None:
        return None
    marks = marks_of(run)
    sheet = rates_sheet(
        f"p{level} of latency over the offered rate, ms (log scales)",
        "requests per second offered",
        [
            (
                marks[contestant],
                [
                    AtRate(line.offered or 0.0, line.percentiles_ms[level], lags=line.lags)
                    for line in rated
                    if line.contestant == contestant
                ],
            )
            for contestant in dict.fromkeys(line.contestant for line in rated)
        ],
    )
    said = "; ".join(f"{words.name(v)}: {in_ms(v.percentiles_ms[level])} ms" for v in rated)
    return Drawing(
        "rates",
        f"p{level} of latency over the offered rate. {said}.",
        "Lower is faster. Hollow: less was answered than was offered. A cross at the top: "
        f"p{level} lies among requests that were not answered.",
        sheet.figure,
    )
