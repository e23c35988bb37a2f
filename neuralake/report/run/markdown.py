"""A short summary of a run for a pull request, harmless wherever Markdown is rendered."""

from __future__ import annotations

from neuralake.report.footnote import footnote
from neuralake.report.markdown import (
    folded,
    joined_blocks,
    markdown,
    notes_markdown,
    table_markdown,
)
from neuralake.report.run import headline
from neuralake.report.run.failures import failures
from neuralake.report.run.notes import notes
from neuralake.report.run.tables import engines_table, latency_table
from neuralake.results.records import Run
from neuralake.results.summary import Summary

_MOST_FAILURES = 10


def run_markdown(run: Run, summary: Summary) -> str:
    """Summary of one run: engines in a table, queries folded away."""
    blocks = [
        f"### {markdown(headline.title(run))}",
        markdown(headline.headline(run, summary)),
        *details_markdown(run, summary),
        " · ".join(map(markdown, headline.where(run))),
        footnote(run.header.workload),
    ]
    return joined_blocks(blocks)


def details_markdown(run: Run, summary: Summary) -> list[str | None]:
    """Numbers, notes and failures of a run, without a heading."""
    found = failures(run)
    lines = [
        f"- {markdown(f.engine)} {markdown(f.query or '')} {f.status}: {markdown(f.message)}"
        for f in found[:_MOST_FAILURES]
    ]
    if len(found) > _MOST_FAILURES:
        lines.append(f"- and {len(found) - _MOST_FAILURES:,} more: see the page")
    return [
        table_markdown(engines_table(summary)),
        notes_markdown(notes(run, summary)),
        "\n".join(lines) or None,
        folded(latency_table(run, summary)),
    ]
