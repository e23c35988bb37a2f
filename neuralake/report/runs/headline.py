"""What came out of several runs, in a sentence or two."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.runs.summary import RunsSummary
from neuralake.report.text import short


def headline(runs: RunsSummary) -> str:
    """Geometric mean of each later run's ratios to the first, engine by engine."""
    parts = []
    for number in range(1, len(runs.runs)):
        means = [
            f"{numbers.times(mean.ratio, 3)} on {short(engine)}"
            for engine in runs.engines
            if (mean := runs.means.get((number, engine))) is not None
        ]
        said = ", ".join(means) or "unknown, since no query has a valid latency in both"
        other = "" if runs.is_same_size(number) else ", of another scale factor,"
        parts.append(f"Latency of run {number + 1}{other} ÷ run 1, geometric mean: {said}.")
    return " ".join(parts)
