"""The page of a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from htpy import Node, div, fragment, li, ul
from htpy import p as paragraph

from neuralake.history.records import Analysed, History, Key
from neuralake.report.figures.palette import marks
from neuralake.report.figures.render import Picture, drawing_style, render_inline
from neuralake.report.history import words
from neuralake.report.history.figure import series_drawing
from neuralake.report.numbers import count
from neuralake.report.page import parts
from neuralake.report.page.document import Page, Section, document
from neuralake.report.tables import Column, Entry, Table, text_columns

MOST_FIGURES = 120

READING = (
    "A point is what was measured at a commit, with its interval; a horizontal line is a level, "
    "the median between two changes. A dashed line is the best estimate of where a change came, "
    "and the band around it the interval of that place. A size is the Hodges-Lehmann estimate of "
    "new ÷ old level. The confidence of a change is 1 − p of its permutation test. Changes just "
    "large enough to be found are overestimated, and their place is uncertain: measure the two "
    "ends of the range against each other before you act."
)


def history_page(history: History) -> str:
    """The whole HTML file."""
    names = words.labels(history.analysed)
    changed = [a for a in history.analysed if a.changes]
    steady = [a for a in history.analysed if not a.changes]
    drawn = [*changed, *steady][:MOST_FIGURES]
    pictures = _pictures(history, drawn, names)
    sections = [
        Section(
            "summary",
            "Summary",
            fragment[
                paragraph(".lead")[words.headline(history)],
                parts.table(_changes_table(history)) if changed else None,
                _list(words.how_tested(history)),
            ],
        ),
        *([_figures("changed", "Series that changed", changed, pictures)] if changed else []),
        *([_figures("steady", "Series without a change", steady, pictures)] if steady else []),
        Section("series", "All series", parts.table(_series_table(history), folded=True)),
        Section("reading", "How to read it", paragraph[READING]),
    ]
    if history.omissions:
        sections.append(Section("left-out", "Left out", _list(words.left_out(history))))
    points = [point.commit for a in history.analysed for point in a.series.points]
    newest, oldest = (f(points, key=lambda c: c.position) for f in (max, min))
    return document(
        Page(
            title="Change points over the commits",
            eyebrow="Neuralake history",
            where=f"{oldest.short}..{newest.short} · newest: {newest.subject}",
            sections=sections,
            foot=words.disclaimer(history),
        )
    )


def _pictures(
    history: History, drawn: Sequence[Analysed], names: Mapping[Key, str]
) -> dict[Key, Picture]:
    engines = sorted({a.series.key.engine or "" for a in history.analysed})
    by_engine = marks(engines)
    foot = words.disclaimer(history)
    with drawing_style("history"):
        return {
            a.series.key: render_inline(
                series_drawing(
                    a,
                    f"series-{number}",
                    names[a.series.key],
                    by_engine[a.series.key.engine or ""],
                    foot,
                )
            )
            for number, a in enumerate(drawn, 1)
        }


def _figures(
    name: str, title: str, analysed: Sequence[Analysed], pictures: Mapping[Key, Picture]
) -> Section:
    own = [pictures[a.series.key] for a in analysed if a.series.key in pictures]
    missing = len(analysed) - len(own)
    body: Node = fragment[
        div(".figures")[[parts.figure(picture) for picture in own]],
        paragraph(".fine")[f"{missing:,} more are in the table only."] if missing else None,
    ]
    if name == "steady":
        body = parts.folded_away(f"Show {count(len(own), 'figure')}", body)
    return Section(name, f"{title} ({len(analysed):,})", body)


def _changes_table(history: History) -> Table:
    names = words.labels(history.analysed, with_benchmark=False)
    columns = (
        *text_columns("series", "what"),
        *map(Column, ("size", "interval", "confidence")),
        *text_columns("commits", "first seen at", "benchmark"),
    )
    rows = tuple(
        (
            Entry(names[a.series.key]),
            Entry(change.kind, mark="failed" if change.kind == "regression" else "best"),
            Entry(words.percent(change.ratio), change.ratio),
            Entry(words.size_interval(change), change.low),
            Entry(words.certainty(change), 1 - change.p_value),
            Entry(words.commit_range(change)),
            Entry(f"{change.after.short} {change.after.subject}"),
            Entry(a.series.key.benchmark),
        )
        for a in history.analysed
        for change in a.changes
    )
    return Table("changes", "Changes, by series and commit", columns, rows)


def _series_table(history: History) -> Table:
    names = words.labels(history.analysed, with_benchmark=False)
    columns = (
        *text_columns("series", "unit"),
        *map(Column, ("commits", "first", "last", "changes")),
        *text_columns("machine", "environment", "benchmark"),
    )
    rows = tuple(
        (
            Entry(names[a.series.key]),
            Entry(a.series.unit),
            Entry(f"{len(a.series.points):,}", len(a.series.points)),
            *(
                Entry(words.value(point.value), point.value)
                for point in (a.series.points[0], a.series.points[-1])
            ),
            Entry(f"{len(a.changes)}" if a.is_testable else "too short", len(a.changes)),
            Entry(a.series.key.machine),
            Entry(a.series.key.environment),
            Entry(a.series.key.benchmark),
        )
        for a in history.analysed
    )
    return Table("series", "All series", columns, rows)


def _list(sentences: Sequence[str]) -> Node:
    return ul(".notes")[[li(".info")[sentence] for sentence in sentences]]
