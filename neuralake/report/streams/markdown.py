"""A short summary of a run of streams for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.markdown import folded, joined_blocks, markdown, table_markdown
from neuralake.report.streams import headline, tables, words
from neuralake.report.streams.notes import notes
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def streams_markdown(run: StreamsRun, summary: StreamsSummary) -> str:
    """Summary of one run: metrics in a table, the rest folded away."""
    told = [f"- {note.level}: {markdown(note.text)}" for note in notes(run, summary)]
    more = [tables.phases_table(run, summary), tables.latency_table(run, summary)]
    return joined_blocks(
        [
            f"### {markdown(headline.title(run))}",
            markdown(headline.headline(run, summary)),
            markdown(f"{words.load_in_words(run.header)}."),
            table_markdown(tables.metrics_table(run, summary)),
            "\n".join(told) or None,
            *(folded(table) for table in more if table is not None and table.rows),
            " · ".join(map(markdown, headline.where(run))),
        ]
    )
