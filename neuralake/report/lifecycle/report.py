"""What the report of a run of lifecycle holds: a page, a Markdown summary and figures."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import files
from neuralake.results.lifecycle.records import LifecycleRun


def lifecycle_report(run: LifecycleRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report of a run in a directory, by its name."""
    from neuralake.report.lifecycle.figures import lifecycle_pictures
    from neuralake.report.lifecycle.markdown import lifecycle_markdown
    from neuralake.report.lifecycle.page import lifecycle_page
    from neuralake.results.lifecycle.summary import summarise_lifecycle

    summary = summarise_lifecycle(run, directory)
    pictures = lifecycle_pictures(run, summary)
    page = lifecycle_page(run, summary, pictures)
    return files(page, lifecycle_markdown(run, summary), pictures)
