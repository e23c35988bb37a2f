"""What the report of a run of serving holds: a page, a Markdown summary and figures."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import files
from neuralake.results.serving.records import ServingRun


def serving_report(run: ServingRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report of a run in a directory, by its name."""
    from neuralake.report.serving.figures import serving_pictures
    from neuralake.report.serving.markdown import serving_markdown
    from neuralake.report.serving.page import serving_page
    from neuralake.results.serving.summary import summarise_serving

    summary = summarise_serving(run, directory)
    pictures = serving_pictures(run, summary)
    return files(serving_page(run, summary, pictures), serving_markdown(run, summary), pictures)
