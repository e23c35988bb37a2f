"""A page in a real browser, watched for whatever it does that it should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Route

WIDTHS = {"small phone": 360, "phone": 390, "desk": 1280}
# Right edges of a column's label and of its numbers, wherever they are not one below another
ASKEW = """() => {
  const edge = (cell) => {
    const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
    const range = document.createRange();
    range.selectNodeContents(text);
    return range.getBoundingClientRect().right;
  };
  const found = [];
  for (const table of document.querySelectorAll("table")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (!heading.classList.contains("n") || heading.classList.contains("wrap")) return;
      for (const row of [...table.tBodies[0].rows, ...(table.tFoot?.rows ?? [])]) {
        const cell = row.cells[column];
        if (!cell.textContent.trim() || cell.classList.contains("wrap")) continue;
        const askew = Math.abs(edge(heading) - edge(cell));
        if (askew > 1) found.push(`${table.dataset.name}: ${heading.textContent} by ${askew}`);
      }
    });
  }
  return [...new Set(found)];
}"""
GROUNDS = {"light": "rgb(254, 254, 254)", "dark": "rgb(18, 22, 27)"}
BEYOND = """() => [...document.querySelectorAll("main *, header *, nav *, footer *")]
  .filter((e) => !e.closest(".scroll, svg"))
  .filter((e) => e.getBoundingClientRect().right > innerWidth)
  .map((e) => e.outerHTML.slice(0, 80))"""
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (channels(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || ["STYLE", "SCRIPT"].includes(element.tagName) || element.closest("svg")) continue;
    const [a, b] = [getComputedStyle(element).color, ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
  }
  for (const text of document.querySelectorAll("svg text")) {
    const page = luminance(getComputedStyle(document.body).backgroundColor);
    const fill = luminance(getComputedStyle(text).fill);
    const ratio = (Math.max(fill, page) + 0.05) / (Math.min(fill, page) + 0.05);
    // text within a heat map stands on its tile
    if (ratio < 4.5 && !text.closest("#figure-ratios")) weak.push(`svg ${text.textContent}`);
  }
  return weak;
}"""


class Reports:
    """Reports in a directory, each of which is written when it is first asked for."""

    def __init__(self, directory: Path, write: Callable[[str, Path], object]) -> None:
        self._directory = directory
        self._write = write

    def __call__(self, name: str) -> Path:
        """The directory of a report."""
        directory = self._directory / name
        if not directory.exists():
            self._write(name, directory)
        return directory


class Watched:
    """A page, and whatever it did that it should not."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._address = address
        self._listeners: dict[Any, Callable[[Any], None]] = {
            "console": self._said,
            "pageerror": lambda error: self.faults.append(str(error)),
            "dialog": lambda dialog: self.faults.append(dialog.message),
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)
        page.route("**/*", self._route)

    def leave(self) -> None:
        """Leave the window to the next page."""
        self.page.unroute_all()
        self.page.goto("about:blank")
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _route(self, route: Route) -> None:
        if route.request.url.partition("#")[0] == self._address:
            route.continue_()
        else:
            self.faults.append(f"asked for {route.request.url}")
            route.abort()


@contextmanager
def opened(browser: Browser, report: Path, width: int, *, script: bool = True) -> Iterator[Page]:
    """The page of a report, in a window that reaches nothing; faults fail the test."""
    scripted, plain = browser.contexts
    (page,) = (scripted if script else plain).pages
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="light")
    address = (report / "index.html").as_uri()
    watched = Watched(page, address)
    try:
        page.goto(address)
        yield page
    finally:
        watched.leave()
    assert watched.faults == []


def assert_fits_and_can_be_read(page: Page, width: int) -> None:
    """No part reaches beyond the window, and every text stands out, light and dark."""
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(ASKEW) == []
    for scheme, ground in GROUNDS.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert page.evaluate(CONTRAST) == []


def assert_ground_of_its_own(browser: Browser, figure: Path, fills: Mapping[str, str]) -> None:
    """A figure that is opened by itself, in the dark, has the colours of the dark."""
    context = browser.new_context(color_scheme="dark", offline=True)
    page = context.new_page()
    page.goto(figure.as_uri())
    found = {
        selector: page.evaluate("(s) => getComputedStyle(document.querySelector(s)).fill", selector)
        for selector in fills
    }
    context.close()
    assert found == dict(fills)
