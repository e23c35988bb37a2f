"""A short summary of a run of serving for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.markdown import run_summary
from neuralake.report.serving import headline, tables, words
from neuralake.report.serving.notes import notes
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import ServingSummary


def serving_markdown(run: ServingRun, summary: ServingSummary) -> str:
    """Summary of one run: latencies in a table, the rest folded away."""
    more = [
        tables.kinds_table(summary),
        tables.capacity_table(run),
        tables.saturation_table(summary),
        tables.resources_table(summary),
    ]
    return run_summary(
        headline.title(run),
        (headline.headline(run, summary), f"{words.load_in_words(run.header.load)}."),
        tables.latency_table(summary),
        notes(run, summary),
        more,
        headline.where(run),
    )
