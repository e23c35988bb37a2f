"""What the report of a run of streams holds: a page, a Markdown summary and figures."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import files
from neuralake.results.streams.records import StreamsRun


def streams_report(run: StreamsRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report of a run in a directory, by its name."""
    from neuralake.report.streams.figures import streams_pictures
    from neuralake.report.streams.markdown import streams_markdown
    from neuralake.report.streams.page import streams_page
    from neuralake.results.streams.summary import summarise_streams

    summary = summarise_streams(run, directory)
    pictures = streams_pictures(run, summary)
    return files(streams_page(run, summary, pictures), streams_markdown(run, summary), pictures)
