"""What the report of a run of ingest holds: a page, a Markdown summary and figures."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import files
from neuralake.results.ingest.records import IngestRun


def ingest_report(run: IngestRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report of a run in a directory, by its name."""
    from neuralake.report.ingest.figures import ingest_pictures
    from neuralake.report.ingest.markdown import ingest_markdown
    from neuralake.report.ingest.page import ingest_page
    from neuralake.results.ingest.summary import summarise_ingest

    summary = summarise_ingest(run, directory)
    pictures = ingest_pictures(run, summary)
    return files(ingest_page(run, summary, pictures), ingest_markdown(run, summary), pictures)
