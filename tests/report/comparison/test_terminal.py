"""A comparison in the terminal: every number, every verdict as a word, and nothing that acts."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from neuralake.report.comparison import print_comparison
from neuralake.report.footnote import DISCLAIMER
from neuralake.results.comparison import Comparison
from tests.report.comparison.make import (
    inconclusive_engine,
    made_comparison,
    nasty_comparison,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)


def shown(comparison: Comparison, width: int = 120, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        highlight=False,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    print_comparison(comparison, console, Path("/results/here"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows(text: str, query: str) -> list[str]:
    """The rows of a query, one an engine, with single spaces."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line.startswith(f"{query} ")]


def test_the_suite_comes_first_and_the_headline_last() -> None:
    text = shown(made_comparison(slower_engine(), unchanged_engine()))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines[0] == "base main: 0123456789 Read fewer columns"
    assert lines[1] == "candidate HEAD: fedcba9876 Wait a little"
    assert lines[2] == "datafusion: 12 pairs of processes of 4 rounds, 8 min"
    names = re.findall(r"^ *(suite|q\d\d) ", text, re.MULTILINE)
    assert names == ["suite", *(f"q{n:02}" for n in range(1, 23))] * 2
    assert lines[-4] == "The arms differ in: commit 0123456789 → fedcba9876 (Wait a little)."
    assert lines[-3].startswith("datafusion is 3.1 % slower [2.2, 4.0] over 22 queries")
    assert lines[-2].startswith("No change of 2 % or more: polars")
    assert lines[-1] == "results: /results/here"
    assert DISCLAIMER in lines


def test_a_row_has_both_times_the_change_its_interval_and_a_verdict() -> None:
    text = shown(made_comparison(slower_engine()))
    (suite,) = rows(text, "suite")
    assert suite == "suite 20.0 20.6 +3.1 [+2.2, +4.0] +2.5 48 ▲ slower"
    assert rows(text, "q01")[0].endswith("48 (+24) ? inconclusive")
    assert rows(text, "q17")[0].endswith("48 ? inconclusive")
    assert "(+n): a verdict takes at most n more pairs" in text
    assert "(+n)" not in shown(made_comparison(unchanged_engine()))


def test_a_fault_is_told_with_its_message_and_has_no_time() -> None:
    text = shown(troubled_comparison(), 200)
    assert "q03 – – – – – × wrong" in rows(text, "q03")
    assert "duckdb q03: × wrong: duckdb (candidate) differs from official answer: row 2" in text
    assert "duckdb q07: × failed: candidate: no answer after 60 s" in text
    assert "faster" not in text.rpartition("duckdb is wrong on q03")[2]


def test_eighty_columns_are_enough() -> None:
    for comparison in (
        made_comparison(unchanged_engine(), inconclusive_engine()),
        troubled_comparison(),
    ):
        text = shown(comparison, 80)
        tables = [line for line in text.splitlines() if re.match(" (q[0-9]|suite)", line)]
        assert max(map(len, tables)) <= 80
        assert "…" not in "".join(tables)
        assert all(re.search(r"[▲▼=?×] [a-z]+ *$", line) for line in tables)


def test_colour_says_nothing_that_words_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = shown(troubled_comparison())
    coloured = shown(troubled_comparison(), colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", shown(troubled_comparison(), colour=True)))
    assert codes <= {"0", "1", "2", "1;2"}  # bold and dim are no colours


def test_text_from_elsewhere_is_harmless() -> None:
    text = shown(nasty_comparison())
    assert not [c for c in text if not c.isprintable() and c != "\n"]
