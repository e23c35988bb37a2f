"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report.compared import tables
from neuralake.report.compared.differences import difference_line, packages, settings
from neuralake.report.compared.headline import sentences, title, where
from neuralake.report.compared.method import READING, facts, failures
from neuralake.report.compared.notes import comparison_notes, error_rates
from neuralake.report.figures.drawing import workload_footnote
from neuralake.report.figures.render import Picture
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document
from neuralake.report.page.elements import Html, element, joined
from neuralake.results.comparison import Comparison


def comparison_page(comparison: Comparison, pictures: Sequence[Picture]) -> str:
    """The whole HTML file."""
    found = failures(comparison)
    numbered = enumerate(comparison.engines, start=1)
    sections = [
        Section("verdict", "Verdict", _verdict(comparison)),
        Section("forest", "Forest plot", _forest(pictures)),
        *(
            Section(
                f"engine-{number}",
                engine.engine,
                parts.table(tables.queries_table(engine, number)),
            )
            for number, engine in numbered
        ),
        Section("differences", "What differs", _differences(comparison)),
        Section("method", "How it was measured", _method(comparison)),
        Section("failures", f"Failures ({len(found):,})", parts.failures(found)),
    ]
    return document(
        Page(
            title=title(comparison),
            eyebrow="Neuralake comparison",
            where=" · ".join(where(comparison)),
            sections=sections,
            foot=workload_footnote(comparison.workload),
        )
    )


def _verdict(comparison: Comparison) -> Html:
    notable = tables.notable_table(comparison)
    return joined(
        [element("p", sentence, class_="lead") for sentence in sentences(comparison)],
        element("p", difference_line(comparison)),
        parts.notes(comparison_notes(comparison)),
        parts.table(tables.engines_table(comparison)) if comparison.engines else None,
        parts.table(notable) if notable.rows else None,
    )


def _forest(pictures: Sequence[Picture]) -> Html:
    drawn = parts.figures(pictures, *(picture.name for picture in pictures))
    return joined(drawn or element("p", "Nothing was measured."))


def _differences(comparison: Comparison) -> Html:
    numbered = list(enumerate(comparison.engines, start=1))
    known = bool(comparison.base.packages and comparison.candidate.packages)
    same = "Every package has one version in both arms." if known else None
    return joined(
        parts.table(tables.arms_table(comparison)),
        parts.table(tables.packages_table(comparison))
        if packages(comparison)
        else element("p", same),
        [
            parts.table(tables.settings_table(engine, number))
            for number, engine in numbered
            if settings(engine)
        ],
        [
            parts.table(tables.settings_table(engine, number, every=True), folded=True)
            for number, engine in numbered
        ],
        parts.table(tables.packages_table(comparison, every=True), folded=True),
    )


def _method(comparison: Comparison) -> Html:
    return joined(
        element("p", READING),
        element("p", error_rates(comparison)),
        parts.facts(facts(comparison)),
    )
