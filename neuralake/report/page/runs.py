"""The page of several runs."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report import comparison_tables as tables
from neuralake.report import failures as failed
from neuralake.report import headline
from neuralake.report.comparison import NOT_PAIRED, Comparison
from neuralake.report.facts import facts
from neuralake.report.figures import MOST_RUNS
from neuralake.report.figures.drawing import footnote
from neuralake.report.figures.render import Picture
from neuralake.report.notes import notes
from neuralake.report.numbers import count
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document
from neuralake.report.page.elements import Html, element, joined
from neuralake.report.tables import engines_table, latency_table, verification_table

SAME = "No fact that may change a latency differs between the runs."


def runs_page(comparison: Comparison, pictures: Sequence[Picture]) -> str:
    """The whole HTML file of several runs."""
    first = comparison.runs[0]
    sections = [
        Section("summary", "Summary", _summary(comparison)),
        Section("runs", "Run against run", _ratios(comparison, pictures)),
        *([_scaling(comparison, pictures)] if comparison.laws else []),
        *(_run(comparison, number, pictures) for number in range(len(comparison.runs))),
    ]
    return document(
        Page(
            title=f"{first.header.workload}: {len(comparison.runs)} runs",
            eyebrow="Neuralake report of several runs",
            where=f"{first.header.id} and {len(comparison.runs) - 1} more",
            sections=sections,
            foot=footnote(first),
        )
    )


def _summary(comparison: Comparison) -> Html:
    same = None if comparison.differences else element("p", SAME)
    return joined(
        element("p", headline.comparison_headline(comparison), class_="lead"),
        parts.table(tables.runs_table(comparison)),
        parts.table(tables.differences_table(comparison)) if comparison.differences else same,
    )


def _ratios(comparison: Comparison, pictures: Sequence[Picture]) -> Html:
    names = [picture.name for picture in pictures if picture.name.startswith("run-")]
    missing = len(comparison.runs) - 1 - len(names)
    undrawn = (
        f"{count(missing, 'later run is', 'later runs are')} not drawn here: of another scale "
        f"factor, or beyond the first {MOST_RUNS}. The table has all."
    )
    return joined(
        element("p", NOT_PAIRED),
        parts.table(tables.means_table(comparison)),
        parts.figures(pictures, *names),
        element("p", undrawn, class_="fine") if missing else None,
        parts.table(tables.ratios_table(comparison), folded=True),
    )


def _scaling(comparison: Comparison, pictures: Sequence[Picture]) -> Section:
    body = joined(
        parts.figures(pictures, "scaling", "exponents"),
        parts.table(tables.scaling_table(comparison), folded=True),
    )
    return Section("scaling", "Time against scale factor", body)


def _run(comparison: Comparison, number: int, pictures: Sequence[Picture]) -> Section:
    run, summary = comparison.runs[number], comparison.summaries[number]
    found = failed.failures(run)
    body = joined(
        element("p", " · ".join(headline.where(run)), class_="where"),
        element("p", headline.headline(run, summary)),
        parts.notes(notes(run, summary)),
        parts.table(engines_table(summary)),
        parts.figures(pictures, f"latency-{number + 1}"),
        parts.table(latency_table(run, summary), folded=True),
        element("h3", "Verification"),
        parts.table(verification_table(run)),
        element("h3", f"Failures ({len(found):,})"),
        parts.failures(found),
        element("details", element("summary", "Settings and fingerprint"), parts.facts(facts(run))),
    )
    return Section(f"run-{number + 1}", f"Run {number + 1}: {headline.title(run)}", body)
