"""The comment on a pull request: what was found above, the rest folded, all of it harmless."""

from __future__ import annotations

import re

from neuralake.report.comparison import comparison_markdown
from neuralake.report.footnote import DISCLAIMER
from tests.report.comparison.make import (
    faulty_engine,
    made_comparison,
    nasty_comparison,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)


def test_what_was_found_is_above_and_every_query_is_folded() -> None:
    text = comparison_markdown(made_comparison(slower_engine(), unchanged_engine()))
    above, *folds = text.split("<details>")
    assert above.startswith("### ▲ HEAD against main: tpch, scale factor 0.1\n")
    assert "- **datafusion is 3.1 % slower &#91;2.2, 4.0&#93; over 22 queries" in above
    assert "The arms differ in: commit 0123456789 → fedcba9876 (Wait a little)." in above
    assert re.search(
        r"^\| datafusion \| \*\*▲ slower\*\* \| \+3\.1 \(\+2\.2 to \+4\.0\) \| ",
        above,
        re.MULTILINE,
    )
    assert re.search(r"^\| datafusion \| q09 \| \*\*▲ slower\*\* \|", above, re.MULTILINE)
    assert "q01" not in above
    assert above.index("q09 +12.0") < above.index("| datafusion | q09")
    for fold in folds[:2]:
        assert len(re.findall(r"^\| (?:q\d\d|suite) \|", fold, re.MULTILINE)) == 23
    assert "How to read this" in text
    assert "| commit | 0123456789 | fedcba9876 |" in text
    assert DISCLAIMER in text


def test_faults_packages_and_settings_are_told() -> None:
    text = comparison_markdown(troubled_comparison())
    assert text.startswith("### × HEAD against main")
    assert "- duckdb q03 wrong: duckdb (candidate) differs from official answer: row 2" in text
    assert re.search(r"^\| duckdb \| q03 \| \*\*× wrong\*\* \| – \| – \|", text, re.MULTILINE)
    assert "| polars | 2.0.0 | 2.1.0 |" in text
    assert "| numpy | – | 2.4.0 |" in text
    assert "- warning: only in the candidate, and not compared: q24, q25" in text


def test_a_pipe_and_a_newline_in_a_subject_break_no_table() -> None:
    text = comparison_markdown(nasty_comparison())
    assert "\x1b" not in text
    assert "\u202e" not in text
    tags = {*("<code", "</code", "<details", "</details", "<summary", "</summary")}
    assert set(re.findall(r"</?[a-z]+", text)) == tags
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {row.count("|") for row in rows}
    assert widths == {9, 11, 4}  # suites and changes, all queries, differences
    outside = re.sub(r"<code>.*?</code>", "", text)
    assert "@someone" not in outside
    assert "http" not in outside


def test_the_same_comparison_gives_the_same_text() -> None:
    assert comparison_markdown(troubled_comparison()) == comparison_markdown(troubled_comparison())


def test_another_workload_has_no_disclaimer() -> None:
    assert "TPC" not in comparison_markdown(made_comparison(unchanged_engine(), workload="shop"))


def test_the_gravest_of_many_changed_queries_are_above() -> None:
    text = comparison_markdown(made_comparison(faulty_engine(), slower_engine()))
    above = text.split("<details>")[0]
    rows = re.findall(r"^\| \w+ \| (q\d\d) \| (.*?) \|", above, re.MULTILINE)
    assert rows[:3] == [("q03", "**× wrong**"), ("q07", "**× failed**"), ("q09", "**▲ slower**")]
    assert len(rows) == 15
