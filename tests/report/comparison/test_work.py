"""What is said of counted instructions: words for work, and time and work side by side."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from neuralake.report.comparison import comparison_markdown, print_comparison
from neuralake.report.comparison.both import both_tables
from neuralake.report.comparison.figures import forest_pictures
from neuralake.report.comparison.headline import headline, overall, title
from neuralake.report.comparison.notes import error_rates
from neuralake.report.comparison.page import comparison_page
from neuralake.results.comparison import Change, Comparison, EngineComparison, Verdict
from tests.report.comparison.make import (
    change,
    made_comparison,
    made_engine,
    unchanged_engine,
    without_time,
)
from tests.report.reading import Parsed

WORDS_FOR_TIME = re.compile(r"\b(slower|faster|unchanged|speed|wall time|CPU time)\b")


def counted(query: str | None, verdict: Verdict, percent: float, width: float = 0.1) -> Change:
    cycles = 1 + 2 * percent / 100
    return replace(
        change(query, verdict, percent, width),
        base_ns=None,
        candidate_ns=None,
        cpu_ratio=None,
        cpu_low=None,
        cpu_high=None,
        base_instructions=20e6,
        candidate_instructions=20e6 * (1 + percent / 100),
        cycles_ratio=cycles,
    )


def counted_engine(engine: str = "polars") -> EngineComparison:
    """One query more work, one less, and the suite the same."""
    return made_engine(
        engine,
        counted(None, "same work", 0.1),
        [
            counted("q01", "same work", 0.0),
            counted("q02", "more work", 2.1),
            counted("q03", "less work", -3.4),
        ],
    )


@pytest.fixture
def work() -> Comparison:
    return made_comparison(
        counted_engine(), by="instructions", scale_factor=0.01, effect=0.005, query_effect=0.01
    )


def shown(comparison: Comparison) -> str:
    console = Console(file=io.StringIO(), width=150, highlight=False)
    print_comparison(comparison, console, Path("/results/here"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_no_word_for_time_is_said_of_work(work: Comparison) -> None:
    (picture,) = forest_pictures(work)
    texts = {
        "terminal": shown(work),
        "markdown": comparison_markdown(work),
        "page": Parsed(comparison_page(work, [picture])).text,
        "figure": f"{picture.description} {picture.caption}",
    }
    for where, text in texts.items():
        assert not WORDS_FOR_TIME.findall(text), where
        assert "instructions" in text, where
    for where in ("terminal", "markdown", "page"):
        for word in ("more work", "less work", "same work", "AVX2 at most"):
            assert word in texts[where], (where, word)


def test_the_headline_names_the_queries(work: Comparison) -> None:
    assert headline(work) == (
        "polars shows no change of 0.5 % or more as a whole over 3 queries, +0.10 % "
        "[0.00, +0.20]; more work by itself: q02 +2.1 % [+2.0, +2.2]; less work by itself: "
        "q03 −3.4 % [−3.5, −3.3]."
    )
    assert title(work).endswith(": tpch, scale factor 0.01, by instructions")
    assert "is called more work or less work in at most 0.4 %" in error_rates(work)
    calm = replace(work, engines=(made_engine("polars", counted(None, "same work", 0.1), []),))
    assert headline(calm).startswith("No change of instructions of 0.5 % or more: polars")


def test_more_work_is_a_regression_beside_times_too(work: Comparison) -> None:
    calm = made_comparison(unchanged_engine())
    assert work.regressed
    assert not calm.regressed
    assert replace(calm, counted=work).regressed


def test_what_was_counted_is_in_the_headline_of_both(work: Comparison) -> None:
    suite = change(None, "inconclusive", 3.0, 9.0)
    both = made_comparison(made_engine("polars", suite, []), counted=work)
    assert overall(both) == "more work"
    assert overall(made_comparison(made_engine("polars", suite, []))) == "inconclusive"
    counted_first = f"Counted: {headline(work)} Timed: polars is inconclusive"
    assert headline(both).startswith(counted_first)
    assert comparison_markdown(both).startswith("### ▲ ")
    page = Parsed(comparison_page(both, [])).text
    for text in (shown(both).rpartition("The arms differ")[2], page, comparison_markdown(both)):
        told = " ".join(text.split())
        assert told.index("Counted: polars") < told.index("Timed: polars is inconclusive")


def test_suites_of_other_queries_are_not_held_against_one_another(work: Comparison) -> None:
    failed = without_time("q02", "failed", "no answer")
    slow = [change("q01", "slower", 9.0), failed, change("q03", "faster", -3)]
    suite = change(None, "failed", 30.0)
    both = made_comparison(made_engine("polars", suite, slow), counted=work)
    (table,) = both_tables(both)
    rows = {row[0].text: row[-1].text for row in table.rows}
    assert rows["suite"] == "they are of other queries"
    assert rows["q02"] == "–"
    assert rows["q01"].startswith("CPU time agrees with the clock")


def test_both_stand_side_by_side(work: Comparison) -> None:
    slow = [
        change("q01", "slower", 9.0),
        change("q02", "unchanged", 2.0),
        change("q03", "faster", -3),
    ]
    both = made_comparison(made_engine("polars", change(None, "slower", 3.0), slow), counted=work)
    (table,) = both_tables(both)
    rows = {row[0].text: [entry.text for entry in row[1:]] for row in table.rows}
    assert rows["q01"][:4] == ["+9.0", "▲ slower", "0.00", "= same work"]
    assert rows["q01"][4].startswith("CPU time agrees with the clock")
    assert rows["q02"][-1] == "–"
    assert set(rows) == {"suite", "q01", "q02", "q03"}
    for text in (shown(both), comparison_markdown(both), Parsed(comparison_page(both, [])).text):
        assert "side by side" in text
        assert "agrees with the clock" in text
        assert "more work" in text
        assert "slower" in text
