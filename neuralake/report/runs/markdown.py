"""A short summary of several runs for a pull request."""

from __future__ import annotations

from neuralake.report.footnote import footnote
from neuralake.report.markdown import folded, joined_blocks, markdown, table_markdown
from neuralake.report.run.headline import title
from neuralake.report.run.markdown import details_markdown
from neuralake.report.runs import tables
from neuralake.report.runs.headline import headline
from neuralake.report.runs.summary import NOT_PAIRED, RunsSummary


def runs_markdown(runs: RunsSummary) -> str:
    """Summary of several runs: ratios in a table, the rest folded away."""
    first = runs.runs[0]
    blocks = [
        f"### {markdown(first.header.workload)}: {len(runs.runs)} runs",
        markdown(headline(runs)),
        table_markdown(tables.runs_table(runs)),
        table_markdown(tables.means_table(runs)),
        NOT_PAIRED,
        folded(tables.differences_table(runs)) if runs.differences else None,
        folded(tables.ratios_table(runs)),
        folded(tables.scaling_table(runs)) if runs.laws else None,
    ]
    for number, run in enumerate(runs.runs):
        blocks.append(f"#### Run {number + 1}: {markdown(title(run))}")
        blocks += details_markdown(run, runs.summaries[number])
    return joined_blocks([*blocks, footnote(first.header.workload)])
