"""The page of a run of ingest."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import fragment, p

from neuralake.report.figures.render import Picture
from neuralake.report.ingest import headline, tables, words
from neuralake.report.ingest.facts import facts
from neuralake.report.ingest.failures import failures
from neuralake.report.ingest.notes import notes
from neuralake.report.page import parts
from neuralake.report.page.document import Section
from neuralake.report.page.of_run import page_of_run
from neuralake.results.ingest.records import DISK, IngestRun
from neuralake.results.ingest.summary import IngestSummary

READING = (
    "A latency counts until the batch is durable, as the contestant promises it. In an open loop "
    "it counts from the moment that the batch was due, whoever was free then; in a closed loop "
    "from the beginning of its append. The smaller numbers of a latency are those of the rounds, "
    "least and greatest; those of a ratio are its distribution-free interval over rounds."
)
LIMIT = (
    f"The contestant {DISK} writes and syncs the bytes of Neuralake's own commits by bare system "
    "calls: what a durable commit cannot do without on this disk. Ratios are taken within a round, "
    "in which all contestants follow one another, and then over the rounds."
)
FRESHNESS = (
    "A reader polls beside the producers, and opens the table anew each time. A batch came in "
    "sight between the reader's last answer without it and its first answer with it; the ends of "
    "an interval are the percentiles of these two. Rounds with a reader are in no other figure: it "
    "takes processor time from the producers."
)


def ingest_page(run: IngestRun, summary: IngestSummary, pictures: Sequence[Picture]) -> str:
    """The whole HTML file."""
    found = failures(run)
    drift, steps = tables.drift_table(summary), tables.steps_table(summary)
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                p(".lead")[headline.headline(run, summary)],
                p(".fine")[f"Load: {words.load_in_words(run.header.load)}."],
                parts.notes(notes(run, summary)),
                parts.table(tables.latency_table(run, summary)),
                p(".fine")[READING],
            ],
        ),
        Section(
            "latency",
            "Latency, and the disk's limit",
            fragment[
                parts.figures(pictures, "percentiles", ("limit", "rates")),
                p(".fine")[LIMIT],
            ],
        ),
    ]
    if drift is not None:
        body = parts.beside(pictures, "commits", drift)
        sections.append(Section("drift", "Over the commits", body))
    if steps is not None:
        body = fragment[parts.figures(pictures, "steps"), parts.table(steps)]
        sections.append(Section("steps", "Steps of an append", body))
    fresh = tables.freshness_table(summary)
    if fresh is not None:
        body = fragment[
            parts.figures(pictures, "freshness"), parts.table(fresh), p(".fine")[FRESHNESS]
        ]
        sections.append(Section("freshness", "Freshness", body))
    tables_read = parts.table(tables.tables_table(run), folded=True)
    sections.append(Section("tables", "Tables that were verified", tables_read))
    return page_of_run(headline.title(run), headline.where(run), sections, found, facts(run))
