"""A short summary of a run of freshness for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.freshness import headline, tables, words
from neuralake.report.freshness.notes import notes
from neuralake.report.markdown import run_summary
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.freshness.summary import FreshnessSummary


def freshness_markdown(run: FreshnessRun, summary: FreshnessSummary) -> str:
    """Summary of one run: visibility in a table, the rest folded away."""
    more = [
        tables.answers_table(summary),
        tables.frontier_table(summary),
        tables.flat_table(summary),
        tables.stages_table(summary),
        tables.processes_table(summary),
    ]
    return run_summary(
        headline.title(run),
        (headline.headline(run, summary), f"{words.load_in_words(run.header.load)}."),
        tables.visibility_table(run, summary),
        notes(run, summary),
        more,
        headline.where(run),
    )
