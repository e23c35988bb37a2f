"""The page of a comparison: everything is said, and nothing from elsewhere is markup."""

from __future__ import annotations

import re

from neuralake.report.comparison.page import comparison_page
from neuralake.report.footnote import DISCLAIMER
from neuralake.results.comparison import Comparison
from tests.report.comparison.make import (
    made_comparison,
    nasty_comparison,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)
from tests.report.reading import Parsed


def page_of(comparison: Comparison) -> str:
    return comparison_page(comparison, [])


def test_contents_lead_to_every_section() -> None:
    page = page_of(troubled_comparison())
    links = re.findall(r'<li><a href="#([^"]+)">', page)
    assert links == re.findall(r'<section id="([^"]+)">', page)
    assert links == [
        *("verdict", "engine-1", "engine-2", "engine-3", "engine-4"),
        *("differences", "method", "failures"),
    ]
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_everything_that_was_found_is_said() -> None:
    text = Parsed(page_of(troubled_comparison())).text
    for said in (
        "HEAD against main: tpch, scale factor 0.1",
        "fedcba9876 against 0123456789",
        "datafusion is 3.1 % slower [2.2, 4.0] over 22 queries",
        "duckdb is wrong on q03 and failed on q07",
        "commit 0123456789 → fedcba9876 (Wait a little)",
        "▲ slower",
        "× wrong",
        "? inconclusive",
        "subject Read fewer columns Wait a little",
        "requirements – polars==2.1.0",
        "polars 2.0.0 2.1.0",
        "numpy – 2.4.0",
        "the comparison was interrupted",
        "only in the candidate, and not compared: q24, q25",
        "Failures (2)",
        "duckdb (candidate) differs from official answer: row 2",
        "candidate: no answer after 60 s",
        "error rate of the suite 0.4 %",
        "effect of a query 5 %",
        "pairs of processes 12",
        "a test of fixed size 40 pairs",
        "table lineitem version 0",
        "A processor",
        "The verdict is on wall time alone",
        DISCLAIMER,
    ):
        assert said in text, said


def test_the_tables_have_wall_and_cpu_time() -> None:
    page = page_of(made_comparison(slower_engine()))
    (table,) = re.findall(r'<table data-name="queries-1">.*?</table>', page, re.DOTALL)
    labels = re.findall(r"<th [^>]*>([^<]*)<", table)
    assert labels[2:6] == ["wall time (%)", "CPU time (%)", "base (ms)", "candidate (ms)"]
    assert table.count("<tr>") == 1 + 22 + 1
    assert '<td class="bad">▲ slower</td>' in table
    assert '<td class="open">? inconclusive</td>' in table
    (foot,) = re.findall(r"<tfoot>.*?</tfoot>", table, re.DOTALL)
    assert "suite" in foot
    assert "+2.2 to +4.0" in foot


def test_arms_of_equal_packages_say_so() -> None:
    text = Parsed(page_of(made_comparison(unchanged_engine()))).text
    assert "Every package has one version in both arms." in text
    assert "None: every execution returned, and no answer was found wrong." in text


def test_a_comparison_without_engines_is_a_page() -> None:
    text = Parsed(page_of(made_comparison(finished_at=None))).text
    assert "Nothing was measured." in text
    assert "the comparison was interrupted" in text


def test_nothing_from_elsewhere_is_markup() -> None:
    plain, nasty = (Parsed(page_of(c)) for c in (troubled_comparison(), nasty_comparison()))
    assert set(nasty.tags) <= set(plain.tags)
    assert nasty.tags["script"] == 1
    assert "<script>alert(1)</script>" in nasty.text
    page = page_of(nasty_comparison())
    assert not [c for c in page if not c.isprintable() and c != "\n"]
    for name, value in nasty.attributes:
        assert name not in ("src", "style", "srcset")
        assert not name.startswith("on")
        assert not name.endswith("href") or (value or "").startswith("#")


def test_another_workload_has_no_disclaimer() -> None:
    assert "TPC" not in page_of(made_comparison(unchanged_engine(), workload="shop"))
