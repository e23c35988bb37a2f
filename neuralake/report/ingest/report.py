"""The report of a run of ingest: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.report.placing import Report
from neuralake.results.ingest.records import IngestRun


def write_ingest_report(run: IngestRun, directory: Path, to: Path) -> Report:
    raise ResultsError("TODO")
