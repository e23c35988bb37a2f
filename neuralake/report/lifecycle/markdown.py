"""A short summary of a run of lifecycle for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.lifecycle import headline, tables, words
from neuralake.report.lifecycle.notes import notes
from neuralake.report.markdown import folded, joined_blocks, markdown, table_markdown
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary


def lifecycle_markdown(run: LifecycleRun, summary: LifecycleSummary) -> str:
    """Summary of one run: the degradation rate in a table, the rest folded away."""
    told = [f"- {note.level}: {markdown(note.text)}" for note in notes(run, summary)]
    degradation = tables.degradation_table(summary)
    more = [
        tables.supports_table(run, summary),
        tables.interference_table(summary),
        tables.maintenance_table(summary),
        tables.writing_table(summary),
        tables.phases_table(summary),
    ]
    return joined_blocks(
        [
            f"### {markdown(headline.title(run))}",
            markdown(headline.headline(run, summary)),
            markdown(f"{words.load_in_words(run.header)}."),
            None if degradation is None else table_markdown(degradation),
            "\n".join(told) or None,
            *(folded(table) for table in more if table is not None and table.rows),
            " · ".join(map(markdown, headline.where(run))),
        ]
    )
