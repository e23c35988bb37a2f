"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from htpy import Node, fragment, p

from neuralake.report.comparison import both, grown, tables
from neuralake.report.comparison.differences import difference_line, packages, settings
from neuralake.report.comparison.headline import sentences, title, where
from neuralake.report.comparison.method import facts, failures, reading
from neuralake.report.comparison.notes import comparison_notes, error_rates
from neuralake.report.figures.render import Picture
from neuralake.report.footnote import footnote
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document
from neuralake.results.comparison import Comparison


def comparison_page(comparison: Comparison, pictures: Sequence[Picture]) -> str:
    """The whole HTML file."""
    found = failures(comparison)
    numbered = enumerate(comparison.engines, start=1)
    sections = [
        Section("verdict", "Verdict", _verdict(comparison)),
        *(
            Section(
                f"engine-{number}",
                engine.engine,
                parts.beside(
                    pictures, f"forest-{number}", tables.queries_table(comparison, engine, number)
                ),
            )
            for number, engine in numbered
        ),
        *_counted(comparison, pictures),
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
            foot=footnote(comparison.workload),
        )
    )


def _verdict(comparison: Comparison) -> Node:
    notable = tables.notable_table(comparison)
    return fragment[
        [p(".lead")[sentence] for sentence in sentences(comparison)],
        p[difference_line(comparison)],
        parts.notes(comparison_notes(comparison)),
        parts.table(tables.engines_table(comparison)) if comparison.engines else None,
        parts.table(notable) if notable.rows else None,
        [parts.table(table) for table in grown.grown_tables(comparison)],
    ]


def _counted(comparison: Comparison, pictures: Sequence[Picture]) -> list[Section]:
    """What was counted beside the times, and both side by side."""
    counted = comparison.counted
    if counted is None:
        return []
    found = failures(counted)
    content = fragment[
        [p(".lead")[sentence] for sentence in sentences(counted)],
        parts.notes(comparison_notes(counted)),
        [
            parts.beside(pictures, table.name.replace("both", "scatter"), table)
            for table in both.both_tables(comparison)
        ],
        [parts.table(table) for table in grown.grown_tables(counted)],
        parts.table(replace(tables.engines_table(counted), name="counted-suites")),
        [
            parts.table(
                replace(tables.queries_table(counted, engine, number), name=f"counted-{number}")
            )
            for number, engine in enumerate(counted.engines, start=1)
        ],
        p[reading(counted)],
        p[error_rates(counted)],
        parts.facts(facts(counted)),
        parts.failures(found) if found else None,
    ]
    return [Section("counted", "Counted instructions", content)]


def _differences(comparison: Comparison) -> Node:
    numbered = list(enumerate(comparison.engines, start=1))
    known = bool(comparison.base.packages and comparison.candidate.packages)
    same = "Every package has one version in both arms." if known else None
    return fragment[
        parts.table(tables.arms_table(comparison)),
        parts.table(tables.packages_table(comparison)) if packages(comparison) else p[same],
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
    ]


def _method(comparison: Comparison) -> Node:
    return fragment[
        p[reading(comparison)], p[error_rates(comparison)], parts.facts(facts(comparison))
    ]
