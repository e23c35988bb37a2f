"""Rate against latency: up to which offered rate the tail holds."""

from __future__ import annotations

from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.rates import AtRate, rates_sheet
from neuralake.report.ingest import words
from neuralake.report.ingest.figures.axes import marks_of
from neuralake.report.latency import in_ms
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary, Line

_LEVELS = ("99", "95", "90", "50")


def rate_against_latency(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """The highest common percentile over the rates that were offered; None with one rate."""
    rated = [line for line in summary.lines if line.rate is not None and line.percentiles_ms]
    if len({line.rate for line in rated}) < 2:
        return None
    level = next((v for v in _LEVELS if all(v in line.percentiles_ms for line in rated)), None)
    if level is None:
        return None
    marks = marks_of(run)
    sheet = rates_sheet(
        f"p{level} of latency over the offered rate, ms (log scales)",
        "rows per second offered",
        [
            (marks[case], [_point(line, level) for line in rated if line.case == case])
            for case in dict.fromkeys(line.case for line in rated)
        ],
    )
    said = "; ".join(
        f"{words.name(line.case, line.rate)}: {in_ms(line.percentiles_ms[level])} ms"
        for line in rated
    )
    return Drawing(
        "rates",
        f"p{level} of latency over the offered rate. {said}.",
        "Lower is faster. Hollow: the rate was not reached, so that a queue grew. A cross at the "
        f"top: p{level} lies among batches that were never begun.",
        sheet.figure,
    )


def _point(line: Line, level: str) -> AtRate:
    rate = line.rate or 0.0
    mean = sum(line.rows_per_s) / len(line.rows_per_s) if line.rows_per_s else 0.0
    return AtRate(rate, line.percentiles_ms[level], lags=mean < 0.98 * rate)
