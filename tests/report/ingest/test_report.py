"""The report of a run of ingest: page, summary, figures and the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from neuralake.report.ingest.figures import ingest_pictures
from neuralake.report.ingest.markdown import ingest_markdown
from neuralake.report.ingest.notes import notes
from neuralake.report.ingest.terminal import print_ingest
from neuralake.report.kinds import write_report
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import summarise_ingest
from tests.report.ingest.make import made_run
from tests.report.reading import files


def printed(run: IngestRun, directory: Path) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_ingest(run, summarise_ingest(run, directory), console, directory)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.more
def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", readers=("polars", "datafusion"))
    for name in ("a", "b"):
        write_report(run, tmp_path / "run", tmp_path / name)
    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    assert first == second
    names = ("percentiles", "limit", "commits", "steps", "freshness")
    figures = {f"figures/{name}.{kind}" for name in names for kind in ("svg", "png")}
    assert set(first) == {"index.html", "summary.md", *figures}


def test_several_rates_are_drawn_against_latency(tmp_path: Path) -> None:
    run = made_run(tmp_path, rates=(1000.0, 50_000.0), rounds=1)
    pictures = {p.name: p for p in ingest_pictures(run, summarise_ingest(run, tmp_path))}
    assert "neuralake at 50,000 rows/s" in pictures["rates"].description
    one = made_run(tmp_path, rates=(1000.0,), rounds=1)
    assert "rates" not in {p.name for p in ingest_pictures(one, summarise_ingest(one, tmp_path))}


def test_each_figure_says_in_words_what_it_shows(tmp_path: Path) -> None:
    run = made_run(tmp_path, readers=("polars",))
    for picture in ingest_pictures(run, summarise_ingest(run, tmp_path)):
        assert "neuralake" in picture.description
        assert picture.caption
        assert f'aria-label="{picture.description[:20]}' in picture.inline


def test_the_page_has_every_section_and_number(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", readers=("polars",))
    report = write_report(run, tmp_path / "run", tmp_path / "report")
    page = report.html.read_text()
    for section in ("summary", "latency", "drift", "steps", "freshness", "tables", "settings"):
        assert f'<section id="{section}">' in page
    assert "All 8 tables hold just what was acknowledged." in page
    assert "times the disk's own limit" in page.replace("&#39;", "'")
    assert "ext4" in page


def test_the_terminal_says_what_the_page_says(tmp_path: Path) -> None:
    text = printed(made_run(tmp_path), tmp_path)
    assert "p50 ÷ disk" in text
    assert "p99 ÷ disk" in text
    assert "ext4 on /dev/vda, fsync of 4 KiB 0.250 ms" in text
    assert "last ÷ first" in text
    assert "(not finished)" in printed(made_run(tmp_path, finished=False), tmp_path)


def test_a_wrong_table_is_told_before_anything_else(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", wrong=True)
    first = notes(run, summarise_ingest(run, tmp_path / "run"))[0]
    assert first.level == "error"
    assert "batch 7 was acknowledged and is not there" in first.text
    text = printed(run, tmp_path / "run")
    assert "wrong" in text
    summary = ingest_markdown(run, summarise_ingest(run, tmp_path / "run"))
    assert "× wrong" in summary
    assert "7 of 8" not in summary
    assert "5 of 6 tables are verified" in summary


def test_a_queue_that_grows_is_told(tmp_path: Path) -> None:
    run = made_run(tmp_path, rates=(10_000_000.0,), rounds=1, unstarted=50)
    said = [note.text for note in notes(run, summarise_ingest(run, tmp_path))]
    assert any("50 batches that were due were never begun" in text for text in said)
    assert any("the latency is that of a queue that grows" in text for text in said)
    assert "never" in printed(run, tmp_path)


@pytest.mark.parametrize("commits", [1, 5, 19, 20, 99])
def test_a_run_of_a_few_commits_has_a_report_too(tmp_path: Path, commits: int) -> None:
    run = made_run(tmp_path / "run", rounds=1, commits=commits)
    write_report(run, tmp_path / "run", tmp_path / "report")
    assert printed(run, tmp_path / "run")
