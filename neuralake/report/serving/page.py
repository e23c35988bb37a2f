"""The page of a run of serving."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import fragment, p

from neuralake.report.figures.render import Picture
from neuralake.report.page import parts
from neuralake.report.page.document import Section
from neuralake.report.page.of_run import page_of_run
from neuralake.report.serving import headline, tables, words
from neuralake.report.serving.facts import facts
from neuralake.report.serving.failures import failures
from neuralake.report.serving.notes import notes
from neuralake.results.serving.records import NULL, ServingRun
from neuralake.results.serving.summary import ServingSummary

READING = (
    "A latency counts from the moment at which a request was due, whoever was free then, until its "
    "answer was whole. Requests that were refused, failed, or were not answered in time are slower "
    "than any that was answered, so that a percentile among them is never reached. The smaller "
    "numbers of a latency are those of the rounds, least and greatest."
)
CAPACITY = (
    "Each of 1, 2, 4 … connections asks again when it has its answer. The search ends when two "
    "steps in a row bring less than 5 % more than the best before. Rates in percent are shares of "
    "a contestant's own capacity."
)
FLOOR = (
    f"The contestant {NULL} answers every request with the same row, through the same HTTP server: "
    "what the stack and the driver take that have nothing to do."
)
SATURATION = (
    "After a load from the capacity on, a tenth of the capacity is offered, as before it. Recovery "
    "is the beginning of the first half second in which every request was answered, and medians of "
    "tenths of a second were at most three times that before the load."
)


def serving_page(run: ServingRun, summary: ServingSummary, pictures: Sequence[Picture]) -> str:
    """The whole HTML file."""
    found = failures(run)
    capacity, resources = tables.capacity_table(run), tables.resources_table(summary)
    saturation, kinds = tables.saturation_table(summary), tables.kinds_table(summary)
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                p(".lead")[headline.headline(run, summary)],
                p(".fine")[f"Load: {words.load_in_words(run.header.load)}."],
                parts.notes(notes(run, summary)),
                parts.figures(pictures, "rates"),
                parts.table(tables.latency_table(summary)),
                p(".fine")[READING],
                None if kinds is None else parts.table(kinds),
            ],
        ),
        Section(
            "latency",
            "Latency by percentile",
            fragment[parts.figures(pictures, "percentiles"), p(".fine")[FLOOR]],
        ),
    ]
    if capacity is not None:
        body = fragment[
            parts.figures(pictures, "answered"), parts.table(capacity), p(".fine")[CAPACITY]
        ]
        sections.append(Section("capacity", "Capacity", body))
    if saturation is not None:
        body = fragment[
            parts.figures(pictures, "timeline"), parts.table(saturation), p(".fine")[SATURATION]
        ]
        sections.append(Section("saturation", "Saturation, and after it", body))
    if resources is not None:
        body = fragment[parts.table(resources)]
        sections.append(Section("resources", "Processor time and memory", body))
    return page_of_run(headline.title(run), headline.where(run), sections, found, facts(run))
