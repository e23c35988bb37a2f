"""The report of a run of serving: page, summary, figures and the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from neuralake.report.kinds import write_report
from neuralake.report.serving.figures import serving_pictures
from neuralake.report.serving.markdown import serving_markdown
from neuralake.report.serving.notes import notes
from neuralake.report.serving.terminal import print_serving
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import summarise_serving
from tests.report.reading import files
from tests.report.serving.make import made_run


def printed(run: ServingRun, directory: Path) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_serving(run, summarise_serving(run, directory), console, directory)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.more
def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    for name in ("a", "b"):
        write_report(run, tmp_path / "run", tmp_path / name)
    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    assert first == second
    names = ("rates", "percentiles", "answered", "timeline")
    figures = {f"figures/{name}.{kind}" for name in names for kind in ("svg", "png")}
    assert set(first) == {"index.html", "summary.md", *figures}


def test_each_figure_says_in_words_what_it_shows(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    for picture in serving_pictures(run, summarise_serving(run, tmp_path)):
        assert "http at" in picture.description
        assert picture.caption
        assert f'aria-label="{picture.description[:20]}' in picture.inline


def test_the_page_has_every_section_and_number(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run")
    page = write_report(run, tmp_path / "run", tmp_path / "report").html.read_text()
    for section in ("summary", "latency", "capacity", "saturation", "resources", "settings"):
        assert f'<section id="{section}">' in page
    assert "Answered at most, a second: null 4,000, in-process 2,000, http 1,000." in page
    assert "answers were right." in page
    assert "150% (1,500/s)" in page


def test_the_terminal_says_what_the_page_says(tmp_path: Path) -> None:
    text = printed(made_run(tmp_path), tmp_path)
    assert "point queries on 100,000 rows, zipf keys, open loop, constant arrivals" in text
    assert "50% (500/s)" in text
    assert "p99 (ms)" in text
    assert "recovered after (s)" in text
    assert "roapi did not run: ROAPI is not installed" in text
    assert "(not finished)" in printed(made_run(tmp_path, finished=False), tmp_path)


def test_a_percentile_among_what_was_refused_is_never_reached(tmp_path: Path) -> None:
    text = printed(made_run(tmp_path), tmp_path)
    (row,) = (line for line in text.splitlines() if "150% (1,500/s)" in line and "never" in line)
    assert row.count("never") == 1


def test_a_recovery_that_never_came_is_told(tmp_path: Path) -> None:
    text = printed(made_run(tmp_path, recovery_ns=None), tmp_path)
    assert sum("never" in line.split("│")[-2] for line in text.splitlines() if "│" in line) == 3


def test_a_wrong_answer_is_told_before_anything_else(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", wrong=True)
    summary = summarise_serving(run, tmp_path / "run")
    first = notes(run, summary)[0]
    assert first.level == "error"
    assert "wrong answers: point 7: row 1, column code: 3 is not 4" in first.text
    assert "wrong" in printed(run, tmp_path / "run")
    markdown = serving_markdown(run, summary)
    assert "× wrong" in markdown
    assert "answers were wrong" in markdown


def test_a_mix_of_kinds_has_their_latencies_apart(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", kinds=("point", "aggregate"))
    assert "aggregate p50 (ms)" in printed(run, tmp_path / "run")
    page = write_report(run, tmp_path / "run", tmp_path / "report").html.read_text()
    assert "Latency by kind of request" in page
    assert "Latency by kind of request" not in printed(made_run(tmp_path), tmp_path)


def test_rates_a_second_are_compared_with_the_null_server(tmp_path: Path) -> None:
    run = made_run(tmp_path, rates="300,600")
    assert "p50 ÷ null" in printed(run, tmp_path)
    assert "600/s" in printed(run, tmp_path)
    assert "p50 ÷ null" not in printed(made_run(tmp_path), tmp_path)


@pytest.mark.parametrize("duration_s", [0.01, 0.1, 0.5])
def test_a_run_of_a_few_requests_has_a_report_too(tmp_path: Path, duration_s: float) -> None:
    run = made_run(tmp_path / "run", duration_s=duration_s, contestants=("http",), rates="50%")
    write_report(run, tmp_path / "run", tmp_path / "report")
    assert printed(run, tmp_path / "run")
