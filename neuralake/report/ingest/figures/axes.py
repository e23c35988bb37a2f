"""What the figures of ingest share: marks of the cases, and the lines that they show."""

from __future__ import annotations

from collections.abc import Mapping

from neuralake.report.figures.palette import Mark, marks
from neuralake.results.ingest.records import Case, IngestRun
from neuralake.results.ingest.summary import IngestSummary, Line


def marks_of(run: IngestRun) -> Mapping[Case, Mark]:
    """The mark of each case, the same in all figures."""
    by_label = marks([case.label for case in run.header.cases])
    return {case: by_label[case.label] for case in run.header.cases}


def shown(summary: IngestSummary) -> list[Line]:
    """Lines of the first rate that have latencies: those of figures without room for more."""
    if not summary.lines:
        return []
    first = summary.lines[0].rate
    return [line for line in summary.lines if line.rate == first and line.percentiles_ms]
