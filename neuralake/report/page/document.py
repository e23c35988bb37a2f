"""The shell of the page: head, policy, style, script, contents."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from htpy import (
    Node,
    a,
    body,
    div,
    footer,
    h1,
    h2,
    head,
    header,
    html,
    li,
    main,
    meta,
    nav,
    ol,
    p,
    script,
    section,
    style,
)
from htpy import title as title_element
from markupsafe import Markup

from neuralake.report.figures.render import dark_rules
from neuralake.report.placing import REPORT
from neuralake.report.text import printable


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    name
        Its anchor.
    title
        Its heading, and its line in the contents.
    body
        What stands below the heading.
    """

    name: str
    title: str
    body: Node


@dataclass(frozen=True)
class Page:
    """Everything that differs from page to page.

    Attributes
    ----------
    title
        Heading of the page.
    eyebrow
        A line above it.
    where
        A line below it: run, machine, time.
    sections
        In order.
    foot
        Last line.
    """

    title: str
    eyebrow: str
    where: str
    sections: Sequence[Section]
    foot: str | None


def document(page: Page) -> str:
    """The whole HTML file; control characters in it are replaced, wherever they come from."""
    return shell(
        generator=REPORT.generator,
        title=page.title,
        css=house_style(),
        code=_resource("sort.js"),
        skip="Skip to the results",
        content=div(".page")[_header(page), _body(page), page.foot and footer[page.foot]],
    )


def shell(*, generator: str, title: str, css: str, code: str, skip: str, content: Node) -> str:
    """A whole HTML file that asks nobody for anything: its policy allows its own style and script.

    Parameters
    ----------
    generator
        What made it: by this a page is known that may be replaced.
    title
        Of the page.
    css, code
        Our own, not escaped.
    skip
        What leads past the contents, to the element with the id ``results``.
    content
        What is seen.
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(css)}",
            f"script-src {_hash(code)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    whole = html(lang="en")[
        head[
            meta(charset="utf-8"),
            meta(name="generator", content=generator),
            meta(http_equiv="Content-Security-Policy", content=policy),
            meta(name="viewport", content="width=device-width, initial-scale=1"),
            meta(name="color-scheme", content="light dark"),
            title_element[f"{title} – Neuralake"],
            style[Markup(css)],  # noqa: S704 (our own)
        ],
        "\n",
        body[
            a(".skip", href="#results")[skip],
            content,
            script[Markup(code)],  # noqa: S704 (our own)
        ],
    ]
    return printable(str(whole)) + "\n"


def _header(page: Page) -> Node:
    return header[
        p(".eyebrow")[page.eyebrow],
        h1[page.title],
        p(".where")[page.where],
    ]


def _body(page: Page) -> Node:
    links = [li[a(href=f"#{part.name}")[part.title]] for part in page.sections]
    sections = [section(id=part.name)[h2[part.title], part.body] for part in page.sections]
    return div(".body")[nav(aria_label="Contents")[ol[links]], main(id="results")[sections]]


@cache
def house_style() -> str:
    """What all pages look like, light and dark."""
    dark = f"@media (prefers-color-scheme: dark){{{dark_rules()}}}"
    return _resource("report.css") + dark


def _resource(name: str) -> str:
    return (files("neuralake.report.page") / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
