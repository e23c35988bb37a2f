"""A short summary of a run of serving for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.markdown import folded, joined_blocks, markdown, table_markdown
from neuralake.report.serving import headline, tables, words
from neuralake.report.serving.notes import notes
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import ServingSummary


def serving_markdown(run: ServingRun, summary: ServingSummary) -> str:
    """Summary of one run: latencies in a table, the rest folded away."""
    told = [f"- {note.level}: {markdown(note.text)}" for note in notes(run, summary)]
    more = [
        tables.kinds_table(summary),
        tables.capacity_table(run),
        tables.saturation_table(summary),
        tables.resources_table(summary),
    ]
    return joined_blocks(
        [
            f"### {markdown(headline.title(run))}",
            markdown(headline.headline(run, summary)),
            markdown(f"{words.load_in_words(run.header.load)}."),
            table_markdown(tables.latency_table(summary)),
            "\n".join(told) or None,
            *(folded(table) for table in more if table is not None),
            " · ".join(map(markdown, headline.where(run))),
        ]
    )
