"""Tables, figures, notes, failures and facts as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report.facts import Group
from neuralake.report.failures import Failure
from neuralake.report.figures.render import Picture
from neuralake.report.notes import Note
from neuralake.report.page.elements import Child, Html, element, joined
from neuralake.report.tables import Column, Entry, Table

_LONG = 40
MOST_FAILURES = 200


def table(content: Table, *, folded: bool = False) -> Html:
    """A table that scrolls sideways in its own box, and sorts where scripts run.

    Parameters
    ----------
    content
        The table.
    folded
        Whether it opens only when asked for.
    """
    heading = element(
        "thead",
        element(
            "tr",
            [
                element("th", c.label, scope="col", class_=_classes(_align(c), _wrap(c.label)))
                for c in content.columns
            ],
        ),
    )
    columns = range(len(content.columns))
    intervals = [any(row[column].small for row in content.rows) for column in columns]
    rows = element("tbody", [_row(content, row, intervals) for row in content.rows])
    added = [_row(content, row, intervals) for row in content.foot]
    foot = element("tfoot", added) if added else None
    caption = None if folded else element("caption", element("span", content.caption))
    whole = element("table", caption, heading, rows, foot, data_name=content.name)
    box = element(
        "div", whole, class_="scroll", tabindex="0", role="region", aria_label=content.caption
    )
    if not folded:
        return box
    opener = f"{content.caption} ({len(content.rows):,} rows)"
    return element("details", element("summary", opener), box)


def figure(picture: Picture) -> Html:
    """A figure and its caption."""
    return element(
        "figure",
        Html(picture.inline),
        element("figcaption", picture.caption),
        id=f"figure-{picture.name}",
    )


def figures(pictures: Sequence[Picture], *columns: str | Sequence[str]) -> Html | None:
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
            stacks.append(element("div", stack))
    if not stacks:
        return None
    return element("div", stacks, class_="figures" if len(stacks) > 1 else "figures lone")


def notes(found: Sequence[Note]) -> Html | None:
    """Notes, each with its level in words."""
    words = {"error": "Wrong or missing", "warning": "Note", "info": "Information"}
    items = [
        element("li", element("b", f"{words[note.level]}: "), note.text, class_=note.level)
        for note in found
    ]
    return element("ul", items, class_="notes") if items else None


def failures(found: Sequence[Failure]) -> Html:
    """Every failure with its message."""
    if not found:
        return element("p", "None: every execution returned, and no answer was found wrong.")
    shown = [
        element(
            "div",
            element(
                "h3",
                element("b", f"{failure.engine} {failure.query or ''}".rstrip()),
                " ",
                element("span", failure.status, class_="failed"),
                element("span", f" {failure.where}", class_="fine"),
            ),
            element("pre", failure.message or "no message", tabindex="0"),
            class_="failure",
        )
        for failure in found
    ]
    if len(found) <= MOST_FAILURES:
        return joined(shown)
    more = f"{len(found) - MOST_FAILURES:,} more failures"
    return joined(
        shown[:MOST_FAILURES],
        element("details", element("summary", more), shown[MOST_FAILURES:]),
    )


def facts(groups: Sequence[Group]) -> Html:
    """Labelled values, in columns where there is room."""
    blocks = [
        element(
            "div",
            element("h3", group.title),
            element(
                "dl",
                [joined(element("dt", f.label), element("dd", f.value)) for f in group.facts],
            ),
        )
        for group in groups
        if group.facts
    ]
    return element("div", blocks, class_="facts")


def _row(content: Table, row: Sequence[Entry], intervals: Sequence[bool]) -> Html:
    cells = zip(row, content.columns, intervals, strict=True)
    return element("tr", [_cell(*cell) for cell in cells])


def _cell(entry: Entry, column: Column, has_small: bool) -> Html:
    star: Child = None
    if column.numeric:  # its room is kept in every row, so that digits stand below one another
        star = element("span", "*" if entry.mark == "best" else "", class_="star")
    small = joined(" ", element("small", entry.small)) if has_small else None
    value = None if entry.value is None else f"{entry.value:.12g}"
    return element(
        "td",
        entry.text,
        star,
        small,
        class_=_classes(_align(column), entry.mark, _wrap(entry.text)),
        data_value=value,
    )


def _classes(*names: str) -> str | None:
    return " ".join(filter(None, names)) or None


def _align(column: Column) -> str:
    return "n" if column.numeric else ""


def _wrap(text: str) -> str:
    return "wrap" if len(text) > _LONG else ""
