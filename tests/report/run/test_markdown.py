"""The summary for a pull request: short, right, and harmless."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from neuralake.report.facts import machine_facts
from neuralake.report.footnote import DISCLAIMER
from neuralake.report.markdown import markdown
from neuralake.report.run.markdown import run_markdown
from neuralake.report.run.tables import resources_table
from neuralake.results.summary import summarise
from tests.report.run.make import NASTY, made_run, nasty_run, troubled_run
from tests.results.make import FINGERPRINT


def test_engines_are_rows_and_queries_are_folded_away() -> None:
    run = made_run(engines=("polars", "duckdb"), queries=("q01", "q02"))
    text = run_markdown(run, summarise(run))
    above, folded = text.split("<details>")
    assert "| engine | total (ms) |" in above
    assert re.search(r"^\| polars \| .* \| 2/2 \|", above, re.MULTILINE)
    assert "q01" not in above
    assert re.search(r"^\| q01 \| ", folded, re.MULTILINE)
    assert "All 4 answers are verified." in above
    assert DISCLAIMER in text


def test_the_fastest_is_bold_and_a_failure_is_no_number() -> None:
    run = troubled_run()
    text = run_markdown(run, summarise(run))
    (row,) = re.findall(r"^\| q09 \| (.*) \|$", text, re.MULTILINE)
    polars, _, datafusion, *_ = row.split(" | ")
    assert polars.startswith("**")
    assert datafusion == "× timeout"
    assert "left out: q03, q09, q11, q21, q22" in text
    assert "datafusion q09 timeout: no answer after 60 s" in text
    assert "the run was interrupted" in text


def test_another_workload_has_no_disclaimer() -> None:
    run = made_run(workload="shop")
    assert "TPC" not in run_markdown(run, summarise(run))


@pytest.mark.parametrize(
    "text", ["polars", "0.410 – 0.431", "total (s)", "22/22", "÷ fastest", "error: it's late; 3 %"]
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert markdown(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("a|b", "`x`", "**b**", "_x_", "[a](b)", "<b>", "&lt;", "a\n# b", "~~a~~", "\\|", "$x$"),
        *(
            "@someone",
            "#1",
            "https://a.test",
            "www.a.test",
            ":smile:",
            "- a",
            "1. a",
            "GH-1",
            NASTY,
        ),
    ],
)
def test_nothing_comes_to_life(text: str) -> None:
    written = markdown(text)
    bare = re.sub(r"&#\d+;", "", written.removeprefix("<code>").removesuffix("</code>"))
    assert not set(bare) & set("|`*_[]<>&~\\$@#\n")
    if re.search(r"[@#]|://|www|:smile:|^-|^1\.|^GH-", text):
        assert written.startswith("<code>")
        assert not set(bare) & set(":.-/")


def test_a_nasty_run_keeps_its_tables() -> None:
    text = run_markdown(nasty_run(), summarise(nasty_run()))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert set(re.findall(r"</?[a-z]+", text)) == {
        *("<code", "</code", "<details", "</details", "<summary", "</summary"),
    }
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {9, 4}  # eight columns of engines, three of queries


def test_instructions_are_shown_where_they_are_known() -> None:
    run = made_run()
    assert "instructions (M)" not in str(resources_table(summarise(run)).columns)
    counted = tuple(replace(sample, instructions=1_234_000_000) for sample in run.samples)
    table = resources_table(summarise(replace(run, samples=counted)))
    assert "instructions (M)" in str(table.columns)
    assert {row[-1].text for row in table.rows if row[-1].value is not None} == {"1,234"}


def test_the_report_says_why_instructions_are_not_known() -> None:
    machine = replace(FINGERPRINT, instructions_unknown="no such counter")
    facts = {fact.label: fact.value for fact in machine_facts(machine)}
    assert facts["instructions"] == "not counted: no such counter"
    assert "instructions" not in {fact.label for fact in machine_facts(FINGERPRINT)}


def test_what_was_written_is_shown_where_anything_was() -> None:
    run = made_run()
    assert "written (MiB)" not in str(resources_table(summarise(run)).columns)
    index, sample = next((i, s) for i, s in enumerate(run.samples) if s.phase == "hot")
    spilled = replace(sample, bytes_written=3 * 2**20)
    run = replace(run, samples=(*run.samples[:index], spilled, *run.samples[index + 1 :]))
    table = resources_table(summarise(run))
    assert "written (MiB)" in str(table.columns)
    (written,) = (row[-1].text for row in table.rows if row[-1].value is not None)
    assert written == "3"
