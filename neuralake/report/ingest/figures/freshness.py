"""Freshness: when readers saw the batches, as intervals."""

from __future__ import annotations

import math

from neuralake.report.figures.chart import log_axis, row_chart
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import marks
from neuralake.report.ingest import words
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary

_LEAST_MS = 0.1  # a lower end of 0 has no place on a logarithmic axis


def freshness(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """Median, and p99 where it can be told, of each case and reader."""
    lines = [line for line in summary.fresh if line.most_ms]
    if not lines:
        return None
    with_rate = len({line.rate for line in lines}) > 1
    rows = list(dict.fromkeys((line.case, line.rate) for line in lines))
    readers = [r for r in run.header.freshness.readers if any(line.reader == r for line in lines)]
    by_reader = marks(readers)
    has_p99 = any("99" in line.most_ms for line in lines)
    chart = row_chart(
        "Freshness: from due until a reader saw it, ms",
        [words.name(case, rate if with_rate else None) for case, rate in rows],
        by_reader,
        label="ms (log scale)" + ("; filled: median, hollow: p99" if has_p99 else ""),
        failures=any(line.unseen for line in lines),
    )
    drawn: list[float] = []
    for line in lines:
        index, mark = readers.index(line.reader), by_reader[line.reader]
        row = rows.index((line.case, line.rate))
        place = chart.place(row, index)
        for level, hollow in (("50", False), ("99", True)):
            most = line.most_ms.get(level, math.inf)
            if not math.isfinite(most):
                continue
            least = max(line.least_ms[level], _LEAST_MS)
            chart.spans([(place, least, most)], mark)
            chart.points([(place, least), (place, most)], mark, hollow=hollow)
            drawn += [least, most]
        if line.unseen:
            chart.fail(row, index, mark, f"{line.unseen} unseen")
    log_axis(chart.axes, [*drawn, 1.6 * max(drawn, default=1.0)])  # room for the last label
    said = "; ".join(
        f"{words.name(line.case, line.rate)} read by {line.reader}: "
        f"p50 {words.between(line, '50')} ms"
        for line in lines
    )
    return Drawing(
        "freshness",
        f"Freshness of what was written, as intervals. {said}.",
        "Left is fresher. The two ends of a line are a percentile of the last answers without a "
        "batch, and of the first with it: what is between them cannot be told by polling.",
        chart.sheet.figure,
    )
