"""The page in a real browser: on a phone and on a desk, by keyboard, hostile, and very large."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from neuralake.catalog import Catalog
from neuralake.catalog.describe import AboutSummary
from neuralake.site.facts import (
    FORMAT_VERSION,
    CatalogFacts,
    ColumnFacts,
    CostFacts,
    DatabaseFacts,
    FreshnessFacts,
    SampleFacts,
    TableFacts,
)
from neuralake.site.gather import gather
from neuralake.site.page import MOST_IN_FULL
from neuralake.site.snippets import Opening, snippet_maker
from neuralake.site.write import write_site
from tests.more import few
from tests.report.browse import WIDTHS, assert_fits_and_can_be_read, opened
from tests.site.conftest import NASTY

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
MANY = 500
# What takes part in the keyboard's round but is nowhere to be seen, and what should and does not
OFF_THE_ROUND = """() => [...document.querySelectorAll("a, button, summary, input")]
  .filter((e) => e.tabIndex < 0 && e.checkVisibility()).map((e) => e.outerHTML.slice(0, 80))"""
NAMELESS = """() => [...document.querySelectorAll("a, button, input, [role=region], [role=group]")]
  .filter((e) => !e.getAttribute("aria-label") && !e.textContent.trim() && !e.labels?.length)
  .map((e) => e.outerHTML.slice(0, 80))"""


def synthetic(tables: int) -> CatalogFacts:
    """A catalog without a lake: ten databases, a table in three stale, each with a key."""
    stale = FreshnessFacts(3600, NOW, 7200, "failed", "rows were changed 2 h ago, promised are 1 h")
    databases = []
    for d in range(10):
        found = []
        for n in range(tables // 10):
            columns = [ColumnFacts("id", "int64", nullable=False, is_primary_key=True)]
            target = (f"t{n // 3}.id",) if n else ()
            columns.append(ColumnFacts("parent", "int64", nullable=True, references=target))
            columns += [
                ColumnFacts(f"c{c}", "string", nullable=True, description=f"Value {c} of {n}.")
                for c in range(8)
            ]
            row = tuple(str(value) for value in range(10))
            found.append(
                TableFacts(
                    f"d{d}",
                    f"t{n}",
                    "delta",
                    f"/lake/d{d}/t{n}",
                    f"What line {n} of plant {d} sent.",
                    ("id",),
                    AboutSummary(owner=f"team-{n % 7}@example.org"),
                    columns=tuple(columns),
                    rows=n,
                    bytes=n * 1000,
                    freshness=stale if n % 3 == 0 else None,
                    sample=SampleFacts(tuple(c.name for c in columns), (row,) * 5),
                    costs=(CostFacts("q1", "polars", "ok", 0.01, 3, "r1", "2026-05-01"),),
                )
            )
        databases.append(DatabaseFacts(f"d{d}", f"Plant {d}.", tuple(found)))
    return CatalogFacts(FORMAT_VERSION, "Plants", "catalog.py", NOW, "1.0", tuple(databases))


@pytest.fixture(scope="module")
def pages(lake: tuple[Path, Catalog], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that is hostile in every text, and very many tables."""
    root = tmp_path_factory.mktemp("sites")
    catalog = lake[1]
    snippets = snippet_maker(catalog, Opening(repr(NASTY)))
    now = dt.datetime.now(dt.UTC)
    shop = gather(catalog, title=NASTY, source=NASTY, now=now, sample_rows=5, snippets=snippets)
    write_site(shop, root / "shop")
    write_site(synthetic(MANY), root / "many")
    return root


@pytest.mark.parametrize("width", few(WIDTHS, "small phone", "desk"))
def test_the_page_fits_and_can_be_read(browser: Browser, pages: Path, width: str) -> None:
    with opened(browser, pages / "shop", WIDTHS[width]) as page:
        assert_fits_and_can_be_read(page, WIDTHS[width])


@pytest.mark.parametrize("width", few([WIDTHS["phone"], WIDTHS["desk"]]))
def test_very_many_tables_fit_and_can_be_read(browser: Browser, pages: Path, width: int) -> None:
    with opened(browser, pages / "many", width) as page:
        assert page.evaluate("document.querySelectorAll('*').length") < 20 * MANY
        page.evaluate(
            "[...document.querySelectorAll('.entry')].slice(5).forEach((e) => e.remove())"
        )
        assert_fits_and_can_be_read(page, width)
        assert page.locator("table[data-name=columns]").count() == 5


def test_what_a_catalog_says_is_text(browser: Browser, pages: Path) -> None:
    """A script in a name, a description, a type's field or a row does nothing (see faults)."""
    with opened(browser, pages / "shop", 1280) as page:
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 1
        shown = NASTY.replace("\x1b", "\N{REPLACEMENT CHARACTER}")
        assert page.locator("h1").text_content() == shown
        assert (
            page.locator("[id='shop.orders'] .about").text_content() == f"An order a row. {shown}"
        )
        headings = page.locator("[id='shop.customers'] table[data-name=columns] tbody th")
        assert headings.all_text_contents() == ["id", shown]


def test_a_notebook_is_a_link_only_where_it_is_an_address(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "shop", 1280) as page:
        links = page.locator(".known a[rel]")
        assert [link.get_attribute("href") for link in links.all()] == [
            "https://example.org/orders.ipynb?a=1&b=<2>"
        ]


def test_a_table_that_cannot_be_read_says_why(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "shop", 1280) as page:
        gone = page.locator("[id='shop.gone']")
        assert gone.locator(".badge").all_inner_texts() == ["cannot be read"]
        assert "which does not exist" in (gone.locator(".error").text_content() or "")
        states = page.locator("table[data-name=wanting] tbody td:nth-child(2)").all_inner_texts()
        assert states == ["deprecated, stale", "cannot be read"]


def found_now(page: Page) -> list[str]:
    return [e.get_attribute("id") or "" for e in page.locator(".entry:not([hidden])").all()]


def test_search_goes_by_name_column_description_and_owner(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "shop", 1280) as page:
        for words, expected in (
            ("orders", ["shop.orders"]),
            ("EMAIL bill", ["shop.orders"]),
            ("shop@example.org", ["shop.orders"]),
            ("cannot be read", ["shop.gone"]),
            ("<img", ["shop.orders", "shop.customers"]),
            ("nothing of it", []),
        ):
            page.fill("#search", words)
            assert found_now(page) == expected, words
            assert page.inner_text("#found") == f"{len(expected)} of 4 tables"
        page.locator("#search").press("Escape")
        assert len(found_now(page)) == 4
        assert page.inner_text("#found") == "4 tables"


@pytest.mark.parametrize("name", few(["shop", "many"]))
def test_everything_is_reached_by_keyboard(browser: Browser, pages: Path, name: str) -> None:
    with opened(browser, pages / name, 1280) as page:
        page.keyboard.press("/")
        page.keyboard.type("orders" if name == "shop" else "t17")
        page.keyboard.press("Enter")
        entry = page.locator("[id='shop.orders'], [id='d0.t17']")
        assert entry.locator("details").first.get_attribute("open") is not None
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        page.keyboard.press("Enter")
        assert entry.locator("details").first.get_attribute("open") is None
        page.keyboard.press("Space")
        assert entry.locator("table[data-name=columns]").is_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("(e) => e.contains(document.activeElement)", entry.element_handle())
        assert page.evaluate(OFF_THE_ROUND) == []
        assert page.evaluate(NAMELESS) == []


def test_keys_lead_to_tables_from_the_picture_and_the_columns(
    browser: Browser, pages: Path
) -> None:
    with opened(browser, pages / "shop", 1280) as page:
        page.locator(".keys a", has_text="customers").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/index.html#shop.customers")
        page.wait_for_selector("[id='shop.customers'] > details[open]")
        page.locator("[id='shop.customers'] .known a", has_text="orders").click()
        page.wait_for_selector("[id='shop.orders'] > details[open]")
        page.fill("#search", "gone")  # a table that the search hides is found by its address
        page.evaluate("location.hash = 'shop.customers'")
        page.wait_for_function("document.getElementById('shop.customers').hidden === false")


def test_a_table_of_many_is_built_when_it_is_opened(browser: Browser, pages: Path) -> None:
    assert MANY > MOST_IN_FULL
    with opened(browser, pages / "many", 1280) as page:
        assert page.locator("table[data-name=columns]").count() == 0
        page.evaluate("location.hash = 'd3.t14'")
        page.wait_for_selector("[id='d3.t14'] table[data-name=columns]")
        assert page.locator("[id='d3.t14'] .keys a").count() == 5  # itself, its own, three others
        page.fill("#search", "d7.t42 line")
        assert found_now(page) == ["d7.t42"]
        assert page.locator(".database:not([hidden])").count() == 1


def test_copy_gives_the_snippet(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "shop", 1280) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator("[id='shop.orders'] > details > summary").click()
        page.locator("[id='shop.orders'] summary", has_text="Read it with").click()
        snippet = page.locator("[id='shop.orders'] .snippet").nth(4)
        snippet.locator("button").click()
        page.wait_for_function("document.querySelectorAll('.copy')[4].textContent === 'Copied'")
        told = "SELECT * FROM orders WHERE orders.amount >= 2.00 LIMIT 10"
        assert snippet.locator("pre").text_content() == told
        assert page.evaluate("navigator.clipboard.readText()") == told


def test_the_page_is_complete_without_script(browser: Browser, pages: Path) -> None:
    with opened(browser, pages / "shop", 1280, script=False) as page:
        page.locator("[id='shop.orders'] > details > summary").click()
        assert page.locator("[id='shop.orders'] table[data-name=columns]").is_visible()
        assert page.locator(".copy >> visible=true").count() == 0
    with opened(browser, pages / "many", 1280, script=False) as page:
        assert "catalog export json has the same" in (page.inner_text("#find"))


@pytest.fixture(autouse=True)
def _no_clipboard_left(browser: Browser) -> Iterator[None]:
    yield
    for context in browser.contexts:
        context.clear_permissions()
