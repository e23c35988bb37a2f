"""The page of one run."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import Node, div, fragment, p, pre

from neuralake.report.figures.render import Picture
from neuralake.report.footnote import footnote
from neuralake.report.numbers import time_in_words
from neuralake.report.page import parts
from neuralake.report.page.document import Section
from neuralake.report.page.of_run import page_of_run
from neuralake.report.run import failures as failed
from neuralake.report.run import headline, tables
from neuralake.report.run.facts import facts
from neuralake.report.run.notes import notes
from neuralake.report.text import short
from neuralake.results.records import Run
from neuralake.results.summary import Summary
from neuralake.results.texts import NO_TEXTS, Texts

READING = (
    "A latency is the median of the hot runs; the smaller numbers are its distribution-free "
    "interval between two order statistics. A failed or wrong query has no latency and is in no "
    "total. Start, opening of the tables and first runs are samples of their own."
)

PLANS = (
    "What each engine was given, and what it says it does with it. Plans are taken when everything "
    "of an engine has been timed, and are no part of any time."
)
MOST_CHARACTERS = 40_000


def run_page(
    run: Run, summary: Summary, pictures: Sequence[Picture], texts: Texts = NO_TEXTS
) -> str:
    """The whole HTML file of one run."""
    found = failed.failures(run)
    has_cold = any(cell.cold_s for cell in summary.cells.values())
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                p(".lead")[headline.headline(run, summary)],
                parts.notes(notes(run, summary)),
                parts.table(tables.engines_table(summary)),
            ],
        ),
        Section(
            "latency",
            "Latency",
            fragment[
                parts.figures(pictures, "latency", ("totals", "ratios")),
                parts.table(tables.latency_table(run, summary)),
                p(".fine")[READING],
            ],
        ),
        Section(
            "cold",
            "Cold against hot" if has_cold else "First against hot",
            parts.beside(pictures, "cold", tables.cold_table(summary)),
        ),
        Section(
            "resources",
            "Memory and processor",
            fragment[
                parts.figures(pictures, "memory", "cpu"),
                parts.table(tables.resources_table(summary), folded=True),
            ],
        ),
        Section(
            "verification",
            "Verification",
            fragment[
                parts.table(tables.verification_table(run)),
                parts.table(tables.answers_table(run), folded=True),
            ],
        ),
        *([Section("queries", "Queries and plans", _queries(summary, texts))] if texts.sql else []),
    ]
    title, foot = headline.title(run), footnote(run.header.workload)
    return page_of_run(title, headline.where(run), sections, found, facts(run), foot)


def _queries(summary: Summary, texts: Texts) -> Node:
    """Of each query its SQL, and each engine's plan: what explains a time."""
    return fragment[
        p(".fine")[PLANS],
        div(".queries")[
            [
                div(id=f"query-{number}")[parts.folded_away(*_query(query, summary, texts))]
                for number, query in enumerate(summary.queries, start=1)
                if query in texts.sql
            ]
        ],
    ]


def _query(query: str, summary: Summary, texts: Texts) -> tuple[str, Node]:
    times = [
        f"{short(engine)} {time_in_words(latency.median)}"
        for engine in summary.engines
        if (latency := summary.cells[query, engine].latency_s) is not None
    ]
    plans = [
        parts.folded_away(f"Plan of {short(engine)}", _text(texts.plans[query, engine]))
        for engine in summary.engines
        if (query, engine) in texts.plans
    ]
    return ": ".join(filter(None, (query, ", ".join(times)))), [_text(texts.sql[query]), plans]


def _text(text: str) -> Node:
    shown = text.strip("\n").expandtabs(4)
    if len(shown) > MOST_CHARACTERS:
        shown = f"{shown[:MOST_CHARACTERS]}\n… cut: the rest is in the run's directory"
    return pre(".code", tabindex="0")[shown]
