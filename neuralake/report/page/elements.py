"""HTML that escapes whatever is not itself HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

from neuralake.report.text import printable

_VOID = frozenset({"meta", "br", "hr", "link"})


@dataclass(frozen=True)
class Html:
    """Markup that is written as it is."""

    markup: str


Child = Html | str | None


def element(name: str, /, *children: Child | Iterable[Child], **attributes: str | None) -> Html:
    """An element; text in it is escaped, and its control characters are replaced.

    Parameters
    ----------
    name
        Of the element.
    children
        Markup, text, or several of them; None is nothing.
    attributes
        Values are escaped; one underscore at the end of a name is dropped (``class_``), others
        become hyphens. None leaves the attribute out.
    """
    opened = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{html.escape(printable(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{opened}>")
    return Html(f"<{name}{opened}>{joined(*children).markup}</{name}>")


def joined(*children: Child | Iterable[Child]) -> Html:
    """Markup of several children, one after another."""
    parts = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child.markup)
        elif isinstance(child, str):
            parts.append(html.escape(printable(child), quote=False))
        elif child is not None:
            parts.append(joined(*child).markup)
    return Html("".join(parts))
