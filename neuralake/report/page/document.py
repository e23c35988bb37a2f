"""The shell of the page: head, policy, style, script, contents."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from neuralake.report.figures.render import dark_rules
from neuralake.report.page.elements import Child, Html, element

GENERATOR = "Neuralake report"


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
    body: Html


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
    """The whole HTML file."""
    style, script = _style(), _resource("sort.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="generator", content=GENERATOR),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{page.title} – Neuralake"),
        element("style", Html(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the results", class_="skip", href="#results"),
        element("div", _header(page), _body(page), _footer(page), class_="page"),
        element("script", Html(script)),
    )
    return "<!doctype html>\n" + element("html", head, "\n", body, lang="en").markup + "\n"


def is_report(content: bytes) -> bool:
    """Whether an ``index.html`` that begins so was made by :func:`document`."""
    return f'<meta name="generator" content="{GENERATOR}">'.encode() in content


def _header(page: Page) -> Html:
    return element(
        "header",
        element("p", page.eyebrow, class_="eyebrow"),
        element("h1", page.title),
        element("p", page.where, class_="where"),
    )


def _body(page: Page) -> Html:
    links = [
        element("li", element("a", section.title, href=f"#{section.name}"))
        for section in page.sections
    ]
    sections = [
        element("section", element("h2", section.title), section.body, id=section.name)
        for section in page.sections
    ]
    contents = element("nav", element("ol", links), aria_label="Contents")
    results = element("main", sections, id="results")
    return element("div", contents, results, class_="body")


def _footer(page: Page) -> Child:
    return element("footer", page.foot) if page.foot else None


@cache
def _style() -> str:
    dark = f"@media (prefers-color-scheme: dark){{{dark_rules()}}}"
    return _resource("report.css") + dark


def _resource(name: str) -> str:
    return (files("neuralake.report.page") / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
