"""The page of several runs."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import Node, fragment, h3, p

from neuralake.report.figures.render import Picture
from neuralake.report.footnote import footnote
from neuralake.report.numbers import count
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document
from neuralake.report.run import failures as failed
from neuralake.report.run import headline
from neuralake.report.run.facts import facts
from neuralake.report.run.notes import notes
from neuralake.report.run.tables import engines_table, latency_table, verification_table
from neuralake.report.runs import tables
from neuralake.report.runs.figures import MOST_RUNS
from neuralake.report.runs.headline import headline as runs_headline
from neuralake.report.runs.summary import NOT_PAIRED, RunsSummary

SAME = "No fact that may change a latency differs between the runs."


def runs_page(runs: RunsSummary, pictures: Sequence[Picture]) -> str:
    """The whole HTML file of several runs."""
    first = runs.runs[0]
    sections = [
        Section("summary", "Summary", _summary(runs)),
        Section("runs", "Run against run", _ratios(runs, pictures)),
        *([_scaling(runs, pictures)] if runs.laws else []),
        *(_run(runs, number, pictures) for number in range(len(runs.runs))),
    ]
    return document(
        Page(
            title=f"{first.header.workload}: {len(runs.runs)} runs",
            eyebrow="Neuralake report of several runs",
            where=f"{first.header.id} and {len(runs.runs) - 1} more",
            sections=sections,
            foot=footnote(first.header.workload),
        )
    )


def _summary(runs: RunsSummary) -> Node:
    return fragment[
        p(".lead")[runs_headline(runs)],
        parts.table(tables.runs_table(runs)),
        parts.table(tables.differences_table(runs)) if runs.differences else p[SAME],
    ]


def _ratios(runs: RunsSummary, pictures: Sequence[Picture]) -> Node:
    names = [picture.name for picture in pictures if picture.name.startswith("run-")]
    missing = len(runs.runs) - 1 - len(names)
    undrawn = (
        f"{count(missing, 'later run is', 'later runs are')} not drawn here: of another scale "
        f"factor, or beyond the first {MOST_RUNS}. The table has all."
    )
    return fragment[
        p[NOT_PAIRED],
        parts.table(tables.means_table(runs)),
        parts.beside(pictures, names[0], tables.ratios_table(runs))
        if len(names) == 1
        else (
            parts.figures(pictures, *names),
            parts.table(tables.ratios_table(runs), folded=True),
        ),
        p(".fine")[undrawn] if missing else None,
    ]


def _scaling(runs: RunsSummary, pictures: Sequence[Picture]) -> Section:
    body = fragment[
        parts.figures(pictures, "scaling", "exponents"),
        parts.table(tables.scaling_table(runs), folded=True),
    ]
    return Section("scaling", "Time against scale factor", body)


def _run(runs: RunsSummary, number: int, pictures: Sequence[Picture]) -> Section:
    run, summary = runs.runs[number], runs.summaries[number]
    found = failed.failures(run)
    body = fragment[
        p(".where")[" · ".join(headline.where(run))],
        p[headline.headline(run, summary)],
        parts.notes(notes(run, summary)),
        parts.table(engines_table(summary)),
        parts.beside(pictures, f"latency-{number + 1}", latency_table(run, summary)),
        h3["Verification"],
        parts.table(verification_table(run)),
        h3[f"Failures ({len(found):,})"],
        parts.failures(found),
        parts.folded_away("Settings and fingerprint", parts.facts(facts(run))),
    ]
    return Section(f"run-{number + 1}", f"Run {number + 1}: {headline.title(run)}", body)
