"""How a run of streams is told: metrics with what they are derived from, or why there are none."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from neuralake.report.figures.render import drawing_style, render
from neuralake.report.kinds import write_report
from neuralake.report.streams.failures import failures
from neuralake.report.streams.figures.throughput import throughput_against_streams
from neuralake.report.streams.headline import headline
from neuralake.report.streams.markdown import streams_markdown
from neuralake.report.streams.notes import notes
from neuralake.report.streams.terminal import print_streams
from neuralake.report.streams.words import numbered
from neuralake.results.phases.records import AnswerCheck
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import summarise_streams
from tests.results.streams.make import run_of

DERIVED = "derived from TPC-H, and not comparable with published TPC-H results"


def wrong(run: StreamsRun) -> StreamsRun:
    """One answer of engine a was wrong."""
    first = run.phases[0]
    found = AnswerCheck("stream 0", 2, "q14", "wrong", "c at the same versions", "got 1, not 2")
    answers = tuple(found if c.position == 2 else c for c in first.answers)
    return replace(run, phases=(replace(first, answers=answers), *run.phases[1:]))


def printed(run: StreamsRun, directory: Path) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200)
    print_streams(run, summarise_streams(run, directory), console, directory)
    return out.getvalue()


def test_metrics_say_what_they_are_derived_from(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    summary = summarise_streams(run, tmp_path)
    for told in (printed(run, tmp_path), streams_markdown(run, summary), headline(run, summary)):
        assert DERIVED in told
    assert "Another engine gave the same 132 answers at the same versions." in headline(
        run, summary
    )


def test_one_wrong_answer_is_told_and_leaves_its_engine_without_a_metric(tmp_path: Path) -> None:
    run = wrong(run_of(tmp_path))
    summary = summarise_streams(run, tmp_path)
    said = "q14 of stream 0 has a wrong answer: got 1, not 2"
    assert any(note.level == "error" and said in note.text for note in notes(run, summary))
    assert "No metric: a; the notes say why." in headline(run, summary)
    row = next(line for line in printed(run, tmp_path).splitlines() if line.startswith("│ a "))
    assert row.count("none") == 2  # power and composite: the throughput run was right
    (found,) = (f for f in failures(run, summary) if f.engine == "a")
    assert (found.query, found.status, found.where, found.message) == (
        "power run",
        "wrong",
        "q14 of stream 0",
        "got 1, not 2",
    )


def test_an_engine_that_did_not_run_is_told_with_the_reason(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    summary = summarise_streams(run, tmp_path)
    assert any("d did not run: not here" in note.text for note in notes(run, summary))
    assert any(f.engine == "d" and f.message == "not here" for f in failures(run, summary))


def test_an_interrupted_run_has_a_report_without_what_was_not_measured(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    interrupted = replace(run, finished_at=None, phases=run.phases[:1])
    assert "(not finished)" in printed(interrupted, tmp_path)
    report = write_report(interrupted, tmp_path, tmp_path / "report")
    assert "interrupted before its end" in report.html.read_text()
    assert report.figures == ()
    nothing = replace(run, finished_at=None, phases=())
    assert write_report(nothing, tmp_path, tmp_path / "report").html.exists()


@pytest.mark.more
def test_the_same_run_gives_the_same_report(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    first = write_report(run, tmp_path, tmp_path / "one")
    second = write_report(run, tmp_path, tmp_path / "two")
    assert {figure.stem for figure in first.figures} == {"latencies", "timeline"}
    for one, two in zip(first.figures, second.figures, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert first.html.read_text() == second.html.read_text()


@pytest.mark.usefixtures("drawn_pictures")
def test_throughput_is_drawn_over_the_number_of_streams(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    summary = summarise_streams(run, tmp_path)
    with drawing_style("throughput"):
        assert throughput_against_streams(run, summary) is None  # of one number
        more = tuple(replace(line, streams=line.streams + 1) for line in summary.lines)
        drawing = throughput_against_streams(run, replace(summary, lines=(*summary.lines, *more)))
        assert drawing is not None
        picture = render(drawing)
    assert picture.name == "throughput"
    for line in (*summary.lines, *more):
        shown = f"{line.engine}, {line.streams}: "
        assert (shown in picture.description) == (line.throughput is not None)
    assert picture.png.startswith(b"\x89PNG")


def test_numbers_that_follow_one_another_are_a_range() -> None:
    assert numbered((1, 2, 3, 7, 9, 10)) == "1-3, 7, 9-10"
    assert numbered(()) == ""
