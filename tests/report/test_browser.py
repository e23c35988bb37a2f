"""The page in a real browser: on a phone and on a desk, light and dark, with and without script."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from neuralake.history.records import Key
from neuralake.report.comparison import write_comparison_report
from neuralake.report.history.report import write_history
from neuralake.report.run.report import write_run_report
from neuralake.report.runs.report import write_runs_report
from neuralake.results.records import Run
from neuralake.results.texts import Texts
from tests.history.make import made_history, made_series, nasty_history
from tests.more import few
from tests.report.browse import (
    WIDTHS,
    Reports,
    assert_fits_and_can_be_read,
    assert_ground_of_its_own,
    opened,
)
from tests.report.comparison.pages import COMPARISONS
from tests.report.run.make import NASTY, made_run, nasty_run, troubled_run

RUNS: dict[str, Callable[[], Run]] = {
    "whole": lambda: made_run(cold=2),
    "troubled": troubled_run,
    "nasty": nasty_run,
    "wide": lambda: made_run(
        [f"engine number {n}" for n in range(9)], [f"query{n}" for n in range(12)]
    ),
}
OF_COMPARISONS = {f"comparisons/{name}": made for name, made in COMPARISONS.items()}
PAGES = (*RUNS, "several", "history", "nasty history", *OF_COMPARISONS)
FEW = ("whole", "troubled", "nasty history", "comparisons/nasty")
PLOTS = ("troubled", "whole", "many")  # of comparisons


def write(name: str, to: Path) -> None:
    """The report of that name."""
    if name in OF_COMPARISONS:
        write_comparison_report(OF_COMPARISONS[name](), to)
    elif name == "several":
        scales = (0.1, 1.0, 10.0)
        write_runs_report(
            [made_run(id=f"r{s:g}", scale_factor=s, speed=s**0.1) for s in scales], to
        )
    elif name == "history":
        steps = [made_series([(15, 1.0), (15, 1.2)]), made_series([(30, 1.0)], key=Key("b"))]
        write_history(made_history(*steps), to)
    elif name == "nasty history":
        write_history(nasty_history(), to)
    else:
        run = RUNS[name]()
        every = [(query, engine.name) for query in run.header.queries for engine in run.engines]
        sql = {query: f"SELECT {NASTY}\n\tFROM {'long_name, ' * 40}" for query, _ in every}
        write_run_report(run, to, Texts(sql, dict.fromkeys(every, f"plan {NASTY}\n" * 9)))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Every kind of report by its name."""
    return Reports(tmp_path_factory.mktemp("pages"), write)


def column(page: Page, table: str, number: int) -> list[str]:
    """Texts of one column of a table."""
    cells = page.locator(f"table[data-name={table}] tbody tr > :nth-child({number})")
    return cells.all_inner_texts()


@pytest.mark.parametrize(
    ("name", "width"),
    few(product(PAGES, WIDTHS), *zip(FEW, cycle(("small phone", "desk")), strict=False)),
)
def test_the_page_fits_and_can_be_read(
    browser: Browser, pages: Reports, name: str, width: str
) -> None:
    with opened(browser, pages(name), WIDTHS[width]) as page:
        assert_fits_and_can_be_read(page, WIDTHS[width])


def test_a_press_on_a_heading_sorts_numbers_as_numbers(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("troubled"), 1280) as page:
        heading = page.locator("table[data-name=latencies] thead th").nth(3)
        heading.locator("button").click()
        times = [text.split("*")[0].split()[0] for text in column(page, "latencies", 4)]
        values = [float(text) for text in times if text[0].isdigit()]
        assert values == sorted(values)
        assert sorted(times[-2:]) == ["error", "timeout"]  # a failure is no number, and never first
        assert heading.get_attribute("aria-sort") == "ascending"
        assert page.locator("table[data-name=latencies] tfoot tr").count() == 2
        heading.locator("button").press("Enter")
        again = [text.split("*")[0].split()[0] for text in column(page, "latencies", 4)]
        assert [float(text) for text in again if text[0].isdigit()] == sorted(values, reverse=True)
        assert sorted(again[-2:]) == ["error", "timeout"]
        page.locator("table[data-name=latencies] thead th button").first.click()
        names = column(page, "latencies", 1)
        assert names == sorted(names)


@pytest.mark.parametrize("name", few(PAGES, *FEW[-2:]))
def test_the_page_is_complete_without_script(browser: Browser, pages: Reports, name: str) -> None:
    with (
        opened(browser, pages(name), 1280) as scripted,
        opened(browser, pages(name), 1280, script=False) as plain,
    ):
        texts = [page.locator("main").text_content() for page in (scripted, plain)]
        assert texts[0] == texts[1]
        assert plain.locator("svg[role=img]").count() == scripted.locator("svg").count()
        summary = plain.locator("summary").first
        summary.click()  # a fold opens without script
        assert plain.locator("details[open]").count() == 1


def test_contents_lead_to_sections(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("whole"), 1280) as page:
        page.get_by_role("link", name="Settings and fingerprint").click()
        page.wait_for_url("**#settings")
        assert page.locator("#settings").is_visible()


def test_wide_tables_scroll_in_their_own_box(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("wide"), 360) as page:
        box = page.locator(".scroll:has(table[data-name=latencies])")
        assert box.evaluate("(e) => e.scrollWidth > e.clientWidth")
        box.evaluate("(e) => e.scrollTo(10000, 0)")
        first = page.locator("table[data-name=latencies] tbody td").first
        bounds = first.bounding_box()
        assert bounds is not None
        assert bounds["x"] >= 0  # the query stays in sight


def test_a_figure_of_its_own_has_a_ground_in_the_dark(browser: Browser, pages: Reports) -> None:
    fills = {"rect.f-surface": "rgb(18, 22, 27)", "text.f-ink": "rgb(230, 233, 236)"}
    assert_ground_of_its_own(browser, pages("whole") / "figures" / "latency.svg", fills)


# Of a comparison


def test_slower_is_drawn_to_the_right_of_faster(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("comparisons/whole"), 1280) as page:
        plot = page.locator("#figure-forest-1 .wide svg")
        label = plot.locator("text", has_text="← faster").bounding_box()
        assert label is not None
        ticks = {
            text: box["x"]
            for text in ("−10", "0", "+10")
            if (box := plot.locator(f"text:text-is('{text}')").first.bounding_box()) is not None
        }
        assert sorted(ticks, key=ticks.__getitem__) == ["−10", "0", "+10"]


@pytest.mark.parametrize(("name", "width"), few(product(PLOTS, (390, 1280))))
def test_no_word_of_a_plot_lies_upon_another_or_outside(
    browser: Browser, pages: Reports, name: str, width: int
) -> None:
    overlaps = """(svg) => {
      const frame = svg.getBoundingClientRect();
      const boxes = [...svg.querySelectorAll("text")]
        .map((t) => [t.textContent, t.getBoundingClientRect()]);
      const found = [];
      for (const [i, [text, a]] of boxes.entries()) {
        if (a.left < frame.left - 1 || a.right > frame.right + 1) found.push(`outside: ${text}`);
        for (const [other, b] of boxes.slice(i + 1)) {
          const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          if (x > 1 && y > 4) found.push(`${text} on ${other}`);
        }
      }
      return found;
    }"""
    with opened(browser, pages(f"comparisons/{name}"), width) as page:
        for plot in page.locator("figure svg:visible").all():
            assert plot.evaluate(overlaps) == []


def test_the_words_of_a_plot_can_be_read_on_a_phone(browser: Browser, pages: Reports) -> None:
    sizes = """(svg) => {
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return [...svg.querySelectorAll("text")]
        .map((t) => scale * parseFloat(getComputedStyle(t).fontSize));
    }"""
    with opened(browser, pages("comparisons/whole"), 390) as page:
        plots = page.locator("figure svg:visible").all()
        assert len(plots) == page.locator("figure").count()  # one of the two widths each
        assert min(size for plot in plots for size in plot.evaluate(sizes)) >= 10


def test_a_press_on_a_heading_sorts_by_change(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("comparisons/troubled"), 1280) as page:
        table = page.locator("table[data-name=queries-1]")
        heading = table.locator("thead th").nth(2)
        heading.locator("button").click()
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == "descending"
        assert table.locator("tbody tr td").first.inner_text() == "q09"


@pytest.mark.more
def test_a_plot_of_its_own_has_a_ground_in_the_dark(browser: Browser, pages: Reports) -> None:
    plot = pages("comparisons/whole") / "figures" / "forest-1.svg"
    fills = {"rect.f-surface": "rgb(18, 22, 27)", "text.f-slower": "rgb(255, 154, 143)"}
    assert_ground_of_its_own(browser, plot, fills)
