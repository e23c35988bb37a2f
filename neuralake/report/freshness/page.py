"""The page of a run of freshness."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import fragment, p

from neuralake.report.figures.render import Picture
from neuralake.report.freshness import headline, tables, words
from neuralake.report.freshness.facts import facts
from neuralake.report.freshness.failures import failures
from neuralake.report.freshness.notes import notes
from neuralake.report.page import parts
from neuralake.report.page.document import Section
from neuralake.report.page.of_run import page_of_run
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.freshness.summary import FreshnessSummary

READING = (
    "Every record carries the moment at which it is due, and all times count from there, whoever "
    "was free then. A record is durable when its sender was told so; in the table when the entry "
    "of its version got its name; visible at some moment between the last answer without it and "
    "the first with it: percentiles of both ends are given, and nothing narrower can be told by "
    "polling. The smaller numbers are those of the rounds, least and greatest."
)
ANSWERS = (
    "f(q) is the freshness of a query as of HATtrick (Milkai et al., SIGMOD 2022): its start less "
    "the commit of the first record that its answer lacks, and 0 where that was committed later. "
    "A poll counts from the moment at which it is due; polls that wait together share an answer. "
    "Alone is in the pauses, in which no record is due."
)
FRONTIER = (
    "A rate is sustained where p99 of visibility, the upper end, the median of the rounds, stays "
    "within the bound, and so it does at every smaller rate that was offered."
)


def freshness_page(
    run: FreshnessRun, summary: FreshnessSummary, pictures: Sequence[Picture]
) -> str:
    """The whole HTML file."""
    found = failures(run)
    answers, frontier = tables.answers_table(summary), tables.frontier_table(summary)
    flat, processes = tables.flat_table(summary), tables.processes_table(summary)
    stages = tables.stages_table(summary)
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                p(".lead")[headline.headline(run, summary)],
                p(".fine")[f"Load: {words.load_in_words(run.header.load)}."],
                parts.notes(notes(run, summary)),
                parts.table(tables.visibility_table(run, summary)),
                p(".fine")[READING],
            ],
        ),
        Section(
            "visibility", "When a record is seen", parts.figures(pictures, "visibility", "timeline")
        ),
    ]
    if answers is not None:
        body = fragment[parts.table(answers), p(".fine")[ANSWERS]]
        sections.append(Section("answers", "How old answers are", body))
    if frontier is not None:
        body = fragment[
            parts.figures(pictures, "rates", "queries"),
            parts.table(frontier),
            p(".fine")[FRONTIER],
        ]
        sections.append(Section("frontier", "Throughput frontier", body))
    if flat is not None:
        sections.append(Section("flat", "Over time", parts.table(flat)))
    if stages is not None:
        sections.append(Section("stages", "Where the time goes", parts.table(stages)))
    if processes is not None:
        sections.append(Section("processes", "Processors and memory", parts.table(processes)))
    tables_read = parts.table(tables.tables_table(run), folded=True)
    sections.append(Section("tables", "Tables that were verified", tables_read))
    return page_of_run(headline.title(run), headline.where(run), sections, found, facts(run))
