"""The page of a comparison in a real browser: on a phone and on a desk, light and dark."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from neuralake.report.comparison import write_comparison_report
from tests.more import few
from tests.report.browse import Reports, assert_ground_of_its_own, opened
from tests.report.comparison.pages import COMPARISONS

PLOTS = ("troubled", "whole", "many")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Comparisons by name; what holds of all pages is asked elsewhere."""

    def write(name: str, to: Path) -> None:
        write_comparison_report(COMPARISONS[name](), to)

    return Reports(tmp_path_factory.mktemp("pages"), write)


def test_slower_is_drawn_to_the_right_of_faster(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("whole"), 1280) as page:
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
    with opened(browser, pages(name), width) as page:
        for plot in page.locator("figure svg:visible").all():
            assert plot.evaluate(overlaps) == []


def test_the_words_of_a_plot_can_be_read_on_a_phone(browser: Browser, pages: Reports) -> None:
    sizes = """(svg) => {
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return [...svg.querySelectorAll("text")]
        .map((t) => scale * parseFloat(getComputedStyle(t).fontSize));
    }"""
    with opened(browser, pages("whole"), 390) as page:
        plots = page.locator("figure svg:visible").all()
        assert len(plots) == page.locator("figure").count()  # one of the two widths each
        assert min(size for plot in plots for size in plot.evaluate(sizes)) >= 10


def test_a_press_on_a_heading_sorts_by_change(browser: Browser, pages: Reports) -> None:
    with opened(browser, pages("troubled"), 1280) as page:
        table = page.locator("table[data-name=queries-1]")
        heading = table.locator("thead th").nth(2)
        heading.locator("button").click()
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == "descending"
        assert table.locator("tbody tr td").first.inner_text() == "q09"


@pytest.mark.more
def test_a_plot_of_its_own_has_a_ground_in_the_dark(browser: Browser, pages: Reports) -> None:
    plot = pages("whole") / "figures" / "forest-1.svg"
    fills = {"rect.f-surface": "rgb(18, 22, 27)", "text.f-slower": "rgb(255, 154, 143)"}
    assert_ground_of_its_own(browser, plot, fills)
