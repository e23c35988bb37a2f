"""A short summary of a run of ingest for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.ingest import headline, tables, words
from neuralake.report.ingest.notes import notes
from neuralake.report.markdown import run_summary
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary


def ingest_markdown(run: IngestRun, summary: IngestSummary) -> str:
    """Summary of one run: latencies in a table, the rest folded away."""
    more = [
        tables.drift_table(summary),
        tables.steps_table(summary),
        tables.freshness_table(summary),
    ]
    return run_summary(
        headline.title(run),
        (headline.headline(run, summary), f"{words.load_in_words(run.header.load)}."),
        tables.latency_table(run, summary),
        notes(run, summary),
        more,
        headline.where(run),
    )
