"""The page of one run."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import fragment, p

from neuralake.report.figures.render import Picture
from neuralake.report.footnote import footnote
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document
from neuralake.report.run import failures as failed
from neuralake.report.run import headline, tables
from neuralake.report.run.facts import facts
from neuralake.report.run.notes import notes
from neuralake.results.records import Run
from neuralake.results.summary import Summary

READING = (
    "A latency is the median of the hot runs; the smaller numbers are its distribution-free "
    "interval between two order statistics. A failed or wrong query has no latency and is in no "
    "total. Start, opening of the tables and first runs are samples of their own."
)


def run_page(run: Run, summary: Summary, pictures: Sequence[Picture]) -> str:
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
        Section("failures", f"Failures ({len(found):,})", parts.failures(found)),
        Section("settings", "Settings and fingerprint", parts.facts(facts(run))),
    ]
    return document(
        Page(
            title=headline.title(run),
            eyebrow="Neuralake report of one run",
            where=" · ".join(headline.where(run)),
            sections=sections,
            foot=footnote(run.header.workload),
        )
    )
