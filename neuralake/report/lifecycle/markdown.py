"""A short summary of a run of lifecycle for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.lifecycle import headline, tables, words
from neuralake.report.lifecycle.notes import notes
from neuralake.report.markdown import run_summary
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary


def lifecycle_markdown(run: LifecycleRun, summary: LifecycleSummary) -> str:
    """Summary of one run: the degradation rate in a table, the rest folded away."""
    more = [
        tables.supports_table(run, summary),
        tables.interference_table(summary),
        tables.maintenance_table(summary),
        tables.writing_table(summary),
        tables.phases_table(summary),
    ]
    return run_summary(
        headline.title(run),
        (headline.headline(run, summary), f"{words.load_in_words(run.header)}."),
        tables.degradation_table(summary),
        notes(run, summary),
        more,
        headline.where(run),
    )
