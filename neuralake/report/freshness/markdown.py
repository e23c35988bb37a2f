"""A short summary of a run of freshness for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.freshness import headline, tables, words
from neuralake.report.freshness.notes import notes
from neuralake.report.markdown import folded, joined_blocks, markdown, table_markdown
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.freshness.summary import FreshnessSummary


def freshness_markdown(run: FreshnessRun, summary: FreshnessSummary) -> str:
    """Summary of one run: visibility in a table, the rest folded away."""
    told = [f"- {note.level}: {markdown(note.text)}" for note in notes(run, summary)]
    more = [
        tables.answers_table(summary),
        tables.frontier_table(summary),
        tables.flat_table(summary),
        tables.processes_table(summary),
    ]
    return joined_blocks(
        [
            f"### {markdown(headline.title(run))}",
            markdown(headline.headline(run, summary)),
            markdown(f"{words.load_in_words(run.header.load)}."),
            table_markdown(tables.visibility_table(run, summary)),
            "\n".join(told) or None,
            *(folded(table) for table in more if table is not None),
            " · ".join(map(markdown, headline.where(run))),
        ]
    )
