"""The page of a run of lifecycle."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import Node, details, fragment, p, pre
from htpy import summary as opener

from neuralake.report.figures.render import Picture
from neuralake.report.lifecycle import headline, tables, words
from neuralake.report.lifecycle.facts import facts
from neuralake.report.lifecycle.failures import failures
from neuralake.report.lifecycle.notes import notes
from neuralake.report.page import parts
from neuralake.report.page.document import Section
from neuralake.report.page.of_run import page_of_run
from neuralake.report.tables import Table
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary

READING = (
    "Tasks, sessions, phases and S_DR are those of LST-Bench (Camacho-Rodríguez et al., SIGMOD "
    "2024). In each repetition every engine begins with fresh copies of the tables, in a process "
    "that lives through all phases; the engines take turns, backwards every other time. All write "
    "the same rows, made before anything was measured. Of a positive S_DR the queries become "
    "slower from phase to phase."
)
CHECKED = (
    "After each phase, unmeasured, another engine answers every query again at the versions that "
    "it read, and reads every table that the phase names: it must hold what it holds where the "
    "plan is carried out in memory. Where a table is wrong, or a change of it was not made, the "
    "later phases are not run: their numbers would be of other rows."
)


def lifecycle_page(
    run: LifecycleRun, summary: LifecycleSummary, pictures: Sequence[Picture]
) -> str:
    """The whole HTML file."""
    found = failures(run, summary)
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                p(".lead")[headline.headline(run, summary)],
                p(".fine")[f"{words.load_in_words(run.header)}."],
                parts.notes(notes(run, summary)),
                _if(tables.degradation_table(summary)),
                p(".fine")[READING],
                parts.figures(pictures, "degradation"),
            ],
        ),
        Section(
            "timeline",
            "Over the phases",
            fragment[
                parts.figures(pictures, "timeline"),
                _if(tables.phases_table(summary), folded=True),
                p(".fine")[CHECKED],
            ],
        ),
        Section(
            "supports", "What each engine does", parts.table(tables.supports_table(run, summary))
        ),
    ]
    for name, title, content in (
        ("interference", "Beside others", tables.interference_table(summary)),
        ("maintenance", "What maintenance is worth", tables.maintenance_table(summary)),
        ("writing", "Changes", tables.writing_table(summary)),
    ):
        if content is not None:
            sections.append(Section(name, title, parts.table(content)))
    plan = details[opener[run.header.plan_source], pre[run.header.plan_text]]
    sections.append(Section("plan", "The plan", plan))
    return page_of_run(headline.title(run), headline.where(run), sections, found, facts(run))


def _if(content: Table | None, *, folded: bool = False) -> Node:
    return fragment[()] if content is None else parts.table(content, folded=folded)
