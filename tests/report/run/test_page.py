"""The page: complete without network and script, and nothing from a run is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape

from neuralake.report.footnote import DISCLAIMER
from neuralake.report.run.page import run_page
from neuralake.results.records import Run
from neuralake.results.summary import summarise
from neuralake.results.texts import Texts
from tests.report.reading import Parsed
from tests.report.run.make import made_run, nasty_run, troubled_run


def page_of(run: Run) -> str:
    return run_page(run, summarise(run), [])


def test_the_page_asks_for_nothing() -> None:
    page = page_of(made_run())
    parsed = Parsed(page)
    assert parsed.tags["style"] == 1
    assert parsed.tags["script"] == 1
    assert not {"img", "link", "iframe", "object", "form", "base"} & set(parsed.tags)
    for name, value in parsed.attributes:
        assert name not in ("src", "style", "srcset")
        assert not name.startswith("on")
        if name.endswith("href"):
            assert value is not None
            assert value.startswith("#")
    assert not re.findall(r"url\((?!#)|@import|@font-face", page)


def test_the_policy_allows_only_the_page_s_own_style_and_script() -> None:
    page = page_of(made_run())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    directives = dict(part.split(" ", 1) for part in unescape(policy).split("; "))
    assert directives["default-src"] == "'none'"
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == f"'sha256-{digest}'"


def test_contents_lead_to_every_section() -> None:
    page = page_of(made_run())
    links = re.findall(r'<li><a href="#([^"]+)">', page)
    assert links == re.findall(r'<section id="([^"]+)">', page)
    assert links == [
        *("summary", "latency", "cold", "resources", "verification", "failures", "settings"),
    ]


def test_everything_that_happened_is_said() -> None:
    text = Parsed(page_of(troubled_run())).text
    for said in (
        "17 of 22 queries",
        "left out: q03, q09, q11, q21, q22",
        "the run was interrupted after 600 samples",
        "interrupted and resumed at 2026-01-01 00:05:00 UTC, after 40 samples; machine, load",
        "60 s and 2.0 GiB of memory (kept by the kernel)",
        "up to 3 MiB of the dataset stayed in the page cache",
        "trino: unavailable: no JDK: pip install 'trino[jdk]'",
        "polars: 1 answer is unverified",
        "Failures (5)",
        "row 2: expected 17, got 18",
        "java.lang.OutOfMemoryError: Java heap space",
        "the process ended with signal 11",
        "official answer",
        "A processor",
        DISCLAIMER,
    ):
        assert said in text


def test_each_query_has_its_sql_and_plans() -> None:
    run = made_run(queries=("q01", "q02"))
    sql = {"q01": "SELECT '<b>'\n\tFROM t", "q02": "SELECT 2"}
    texts = Texts(sql, {("q01", "polars"): "SCAN t", ("q01", "spark"): "x" * 50_000})
    page = run_page(run, summarise(run), [], texts)
    text = Parsed(page).text
    assert "SELECT '<b>'\n    FROM t" in unescape(page)  # a tab is no replacement character
    assert "Plan of polars SCAN t" in text
    assert "Plan of datafusion" not in text
    assert "… cut: the rest is in the run's directory" in text
    assert re.search(r"q01: polars [\d.]+ ms, datafusion [\d.]+ ms, spark", text)
    assert "Queries and plans" not in Parsed(page_of(run)).text


def test_an_endless_list_of_failures_is_folded_and_complete() -> None:
    queries = [f"q{number:03}" for number in range(250)]
    failures = {("polars", query): ("error", f"message of {query}") for query in queries}
    run = made_run(engines=("polars",), queries=queries, hot=1, failures=failures)  # type: ignore[arg-type]
    page = page_of(run)
    assert "50 more failures" in page
    assert all(f"message of {query}" in page for query in queries)


def test_nothing_from_a_run_is_markup() -> None:
    plain, nasty = (Parsed(page_of(run)) for run in (troubled_run(), nasty_run()))
    assert set(nasty.tags) <= set(plain.tags)
    assert nasty.tags["script"] == 1
    assert "<script>alert(1)</script>" in nasty.text
    page = page_of(nasty_run())
    assert not [c for c in page if not c.isprintable() and c != "\n"]


def test_another_workload_has_no_disclaimer() -> None:
    assert "TPC" not in page_of(made_run(workload="shop"))


def test_dictionary_order_is_no_fact() -> None:
    def run(*packages: str) -> Run:
        return made_run(dataset={package: {"b": 1, "a": 2} for package in packages})

    assert page_of(run("x", "y")) == page_of(run("y", "x"))
