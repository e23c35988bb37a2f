"""A short summary of a run of ingest for a pull request, harmless wherever it is rendered."""

from __future__ import annotations

from neuralake.report.ingest import headline, tables, words
from neuralake.report.ingest.notes import notes
from neuralake.report.markdown import folded, joined_blocks, markdown, table_markdown
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary


def ingest_markdown(run: IngestRun, summary: IngestSummary) -> str:
    """Summary of one run: latencies in a table, the rest folded away."""
    told = [f"- {note.level}: {markdown(note.text)}" for note in notes(run, summary)]
    more = [
        tables.drift_table(summary),
        tables.steps_table(summary),
        tables.freshness_table(summary),
    ]
    return joined_blocks(
        [
            f"### {markdown(headline.title(run))}",
            markdown(headline.headline(run, summary)),
            markdown(f"{words.load_in_words(run.header.load)}."),
            table_markdown(tables.latency_table(run, summary)),
            "\n".join(told) or None,
            *(folded(table) for table in more if table is not None),
            " · ".join(map(markdown, headline.where(run))),
        ]
    )
