"""What the figures of serving share: marks of the contestants."""

from __future__ import annotations

from collections.abc import Mapping

from neuralake.report.figures.palette import Mark, marks
from neuralake.results.serving.records import ServingRun


def marks_of(run: ServingRun) -> Mapping[str, Mark]:
    """The mark of each contestant, the same in all figures."""
    return marks(run.header.contestants)
