"""A short summary of a run of streams for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.markdown import run_summary
from neuralake.report.streams import headline, tables, words
from neuralake.report.streams.notes import notes
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def streams_markdown(run: StreamsRun, summary: StreamsSummary) -> str:
    """Summary of one run: metrics in a table, the rest folded away."""
    more = [tables.phases_table(run, summary), tables.latency_table(run, summary)]
    return run_summary(
        headline.title(run),
        (headline.headline(run, summary), f"{words.load_in_words(run.header)}."),
        tables.metrics_table(run, summary),
        notes(run, summary),
        more,
        headline.where(run),
    )
