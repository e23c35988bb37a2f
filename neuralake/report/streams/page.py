"""The page of a run of streams."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import fragment, p

from neuralake.report.figures.render import Picture
from neuralake.report.page import parts
from neuralake.report.page.document import Section
from neuralake.report.page.of_run import page_of_run
from neuralake.report.streams import headline, tables, words
from neuralake.report.streams.facts import facts
from neuralake.report.streams.failures import failures
from neuralake.report.streams.notes import notes
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary

METRICS = (
    "Power is 3600 · SF ÷ the geometric mean of the seconds of 22 queries and two refresh "
    "functions, one after another; throughput is streams · 22 · 3600 · SF ÷ the seconds until the "
    "last of the streams and of the refreshes beside them has ended; composite is the geometric "
    f"mean of both. They are {words.DERIVED}: each run has fresh copies of the tables and engines "
    "started anew, refreshes are separate commits to two tables, and no auditor was here. Where "
    "anything failed or was wrong there is no metric."
)
CHECKED = (
    "Every query reads one snapshot of each table, the newest when it begins, and its time counts "
    "from then on. When nothing is measured any more, another engine answers it again, at the very "
    "versions that it read."
)


def streams_page(run: StreamsRun, summary: StreamsSummary, pictures: Sequence[Picture]) -> str:
    """The whole HTML file."""
    found = failures(run, summary)
    latencies = tables.latency_table(run, summary)
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                p(".lead")[headline.headline(run, summary)],
                p(".fine")[f"{words.load_in_words(run.header)}."],
                parts.notes(notes(run, summary)),
                parts.table(tables.metrics_table(run, summary)),
                p(".fine")[METRICS],
                parts.figures(pictures, "throughput"),
            ],
        ),
        Section(
            "streams",
            "Streams over time",
            fragment[
                parts.figures(pictures, "timeline"),
                parts.table(tables.phases_table(run, summary)),
                p(".fine")[CHECKED],
            ],
        ),
    ]
    if latencies is not None:
        body = fragment[parts.figures(pictures, "latencies"), parts.table(latencies)]
        sections.append(Section("latencies", "Queries alone and beside others", body))
    return page_of_run(
        headline.title(run), headline.where(run), sections, found, facts(run, summary)
    )
