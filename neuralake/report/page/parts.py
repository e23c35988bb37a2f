"""Tables, figures, notes, failures and facts as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from htpy import (
    Node,
    b,
    caption,
    dd,
    details,
    div,
    dl,
    dt,
    figcaption,
    fragment,
    h3,
    li,
    p,
    pre,
    small,
    span,
    summary,
    tbody,
    td,
    tfoot,
    th,
    thead,
    tr,
    ul,
)
from htpy import figure as figure_element
from htpy import table as table_element
from markupsafe import Markup

from neuralake.report.facts import Group
from neuralake.report.failures import Failure
from neuralake.report.figures.render import Picture
from neuralake.report.notes import Level, Note
from neuralake.report.tables import Column, Entry, Table

_LONG = 40
MOST_FAILURES = 200
_LEVELS: dict[Level, str] = {
    "error": "Wrong or missing",
    "warning": "Note",
    "info": "Information",
}


def table(content: Table, *, folded: bool = False) -> Node:
    """A table that scrolls sideways in its own box, and sorts where scripts run.

    Parameters
    ----------
    content
        The table.
    folded
        Whether it opens only when asked for.
    """
    columns = range(len(content.columns))
    intervals = [any(row[column].small for row in content.rows) for column in columns]
    whole = table_element(data_name=content.name)[
        None if folded else caption[span[content.caption]],
        thead[
            tr[
                [
                    th(scope="col", class_=_classes(_align(c), _wrap(c.label)))[
                        c.label, *_room(c, has_small=has_small)
                    ]
                    for c, has_small in zip(content.columns, intervals, strict=True)
                ]
            ]
        ],
        tbody[[_row(content, row, intervals) for row in content.rows]],
        tfoot[[_row(content, row, intervals) for row in content.foot]] if content.foot else None,
    ]
    box = div(".scroll", tabindex="0", role="region", aria_label=content.caption)[whole]
    if not folded:
        return box
    return folded_away(f"{content.caption} ({len(content.rows):,} rows)", box)


def folded_away(opener: str, *content: Node) -> Node:
    """Content that opens only when asked for."""
    return details[summary[opener], content]


def figure(picture: Picture) -> Node:
    """A figure and its caption."""
    wide, narrow = Markup(picture.inline), Markup(picture.narrow)  # noqa: S704 (our own SVG)
    return figure_element(id=f"figure-{picture.name}")[
        (div(".wide")[wide], div(".narrow")[narrow]) if narrow else wide,
        figcaption[picture.caption],
    ]


def beside(pictures: Sequence[Picture], name: str, content: Table) -> Node:
    """A figure and the table of its numbers, side by side where there is room.

    The table is as high as the figure, and scrolls; without the figure it stands alone, folded.
    """
    drawn = [figure(picture) for picture in pictures if picture.name == name]
    if not drawn:
        return table(content, folded=True)
    return div(".beside")[drawn, div(".side")[table(content)]]


def figures(pictures: Sequence[Picture], *columns: str | Sequence[str]) -> Node:
    """Those of the figures that there are.

    Parameters
    ----------
    pictures
        All that were drawn.
    columns
        Names: figures side by side where there is room, several of one column below one another.
    """
    stacks = []
    for column in columns:
        names = (column,) if isinstance(column, str) else column
        stack = [figure(picture) for name in names for picture in pictures if picture.name == name]
        if stack:
            stacks.append(div[stack])
    return div(".figures")[stacks] if stacks else None


def notes(found: Sequence[Note]) -> Node:
    """Notes, each with its level in words."""
    items = [li(class_=note.level)[b[f"{_LEVELS[note.level]}: "], note.text] for note in found]
    return ul(".notes")[items] if items else None


def failures(found: Sequence[Failure]) -> Node:
    """Every failure with its message."""
    if not found:
        return p["None: every execution returned, and no answer was found wrong."]
    shown = [
        div(".failure")[
            h3[
                b[f"{failure.engine} {failure.query or ''}".rstrip()],
                " ",
                span(".failed")[failure.status],
                span(".fine")[f" {failure.where}"],
            ],
            pre(tabindex="0")[failure.message or "no message"],
        ]
        for failure in found
    ]
    if len(found) <= MOST_FAILURES:
        return shown
    more = f"{len(found) - MOST_FAILURES:,} more failures"
    return fragment[shown[:MOST_FAILURES], folded_away(more, shown[MOST_FAILURES:])]


def facts(groups: Sequence[Group]) -> Node:
    """Labelled values, in columns where there is room."""
    return div(".facts")[
        [
            div[h3[group.title], dl[[(dt[fact.label], dd[fact.value]) for fact in group.facts]]]
            for group in groups
            if group.facts
        ]
    ]


def _row(content: Table, row: Sequence[Entry], intervals: Sequence[bool]) -> Node:
    cells = zip(row, content.columns, intervals, strict=True)
    return tr[[_cell(*cell) for cell in cells]]


def _cell(entry: Entry, column: Column, has_small: bool) -> Node:
    value = None if entry.value is None else f"{entry.value:.12g}"
    return td(class_=_classes(_align(column), entry.mark, _wrap(entry.text)), data_value=value)[
        entry.text,
        *_room(column, "*" if entry.mark == "best" else "", entry.small, has_small=has_small),
    ]


def _room(
    column: Column, star: str = "", small_text: str = "", *, has_small: bool
) -> tuple[Node, Node]:
    """What follows a label or a text, in every row, so that digits stand below their heading."""
    return (
        span(".star")[star] if column.numeric else None,
        (" ", small[small_text]) if has_small else None,
    )


def _classes(*names: str) -> str | None:
    return " ".join(filter(None, names)) or None


def _align(column: Column) -> str:
    return "n" if column.numeric else ""


def _wrap(text: str) -> str:
    return "wrap" if len(text) > _LONG else ""
