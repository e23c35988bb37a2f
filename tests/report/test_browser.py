"""The page in a real browser: on a phone and on a desk, light and dark, with and without script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

from neuralake.history.records import Key
from neuralake.history.report import write_history
from neuralake.report.report import write_report
from tests.history.make import made_history, made_series, nasty_history
from tests.report.make import made_run, nasty_run, troubled_run

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WIDTHS = {"phone": 360, "desk": 1280}
GROUNDS = {"light": "rgb(254, 254, 254)", "dark": "rgb(18, 22, 27)"}
PAGES = ("whole", "troubled", "several", "nasty", "wide", "history", "nasty history")
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that the system provides."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser ({', '.join(NAMES)}): make browser, or apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with every kind of report."""
    root = tmp_path_factory.mktemp("pages")
    scaled = [made_run(id=f"r{s:g}", scale_factor=s, speed=s**0.1) for s in (0.1, 1.0, 10.0)]
    wide = made_run([f"engine number {n}" for n in range(9)], [f"query{n}" for n in range(110)])
    runs = {"whole": [made_run(cold=2)], "troubled": [troubled_run()], "several": scaled}
    for name, reported in {**runs, "nasty": [nasty_run()], "wide": [wide]}.items():
        write_report(reported, root / name)
    steps = [made_series([(15, 1.0), (15, 1.2)]), made_series([(30, 1.0)], key=Key("b"))]
    write_history(made_history(*steps), root / "history")
    write_history(nasty_history(), root / "nasty history")
    return root


class Watched:
    """A page, and whatever it did that it should not."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        page.route("**/*", self._route)
        self._address = address

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
    """The page of a report, in a context that reaches nothing; faults fail the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=script,
        offline=True,
    )
    address = (report / "index.html").as_uri()
    watched = Watched(context.new_page(), address)
    watched.page.goto(address)
    yield watched.page
    context.close()
    assert watched.faults == []


def column(page: Page, table: str, number: int) -> list[str]:
    """Texts of one column of a table."""
    cells = page.locator(f"table[data-name={table}] tbody tr > :nth-child({number})")
    return cells.all_inner_texts()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_the_page_fits_and_can_be_read(
    browser: Browser, pages: Path, name: str, width: int
) -> None:
    with opened(browser, pages / name, width) as page:
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        beyond = """[...document.querySelectorAll("main *, header *, nav *, footer *")]
            .filter((e) => !e.closest(".scroll, svg"))
            .filter((e) => e.getBoundingClientRect().right > innerWidth)
            .map((e) => e.outerHTML.slice(0, 80))"""
        assert page.evaluate(beyond) == []
        for scheme, ground in GROUNDS.items():
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
            assert page.evaluate(CONTRAST) == []


def test_a_press_on_a_heading_sorts_numbers_as_numbers(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "troubled", 1280) as page:
        heading = page.locator("table[data-name=latencies] thead th").nth(2)
        heading.locator("button").click()
        times = [text.split("*")[0].split()[0] for text in column(page, "latencies", 3)]
        values = [float(text) for text in times if text[0].isdigit()]
        assert values == sorted(values)
        assert sorted(times[-2:]) == ["error", "timeout"]  # a failure is no number, and never first
        assert heading.get_attribute("aria-sort") == "ascending"
        assert page.locator("table[data-name=latencies] tfoot tr").count() == 2
        heading.locator("button").press("Enter")
        again = [text.split("*")[0].split()[0] for text in column(page, "latencies", 3)]
        assert [float(text) for text in again if text[0].isdigit()] == sorted(values, reverse=True)
        assert sorted(again[-2:]) == ["error", "timeout"]
        page.locator("table[data-name=latencies] thead th button").first.click()
        names = column(page, "latencies", 1)
        assert names == sorted(names)


def test_the_page_is_complete_without_script(browser: Browser, pages: Path) -> None:
    for name in PAGES:
        with (
            opened(browser, pages / name, 1280) as scripted,
            opened(browser, pages / name, 1280, script=False) as plain,
        ):
            texts = [page.locator("main").text_content() for page in (scripted, plain)]
            assert texts[0] == texts[1]
            assert plain.locator("svg[role=img]").count() == scripted.locator("svg").count()
            summary = plain.locator("summary").first
            summary.click()  # a fold opens without script
            assert plain.locator("details[open]").count() == 1


def test_contents_lead_to_sections(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "whole", 1280) as page:
        page.get_by_role("link", name="Settings and fingerprint").click()
        assert page.url.endswith("#settings")
        assert page.locator("#settings").is_visible()


def test_wide_tables_scroll_in_their_own_box(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "wide", 360) as page:
        box = page.locator(".scroll:has(table[data-name=latencies])")
        assert box.evaluate("(e) => e.scrollWidth > e.clientWidth")
        box.evaluate("(e) => e.scrollTo(10000, 0)")
        first = page.locator("table[data-name=latencies] tbody td").first
        bounds = first.bounding_box()
        assert bounds is not None
        assert bounds["x"] >= 0  # the query stays in sight


def test_a_figure_of_its_own_has_a_ground_in_the_dark(browser: Browser, pages: Path) -> None:
    context = browser.new_context(color_scheme="dark", offline=True)
    page = context.new_page()
    page.goto((pages / "whole" / "figures" / "latency.svg").as_uri())
    fill = "(s) => getComputedStyle(document.querySelector(s)).fill"
    assert page.evaluate(fill, "rect.f-surface") == "rgb(18, 22, 27)"
    assert page.evaluate(fill, "text.f-ink") == "rgb(230, 233, 236)"
    context.close()
