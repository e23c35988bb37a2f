"""A line of progress: redrawn on a terminal, every half minute elsewhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

import pytest
from rich.console import Console

from neuralake.arms.terms import Terms
from neuralake.report.comparison.progress import ComparisonProgress
from neuralake.report.line import (
    EVERY_S,
    NoLine,
    NotebookLine,
    TerminalLine,
    TimedLines,
    line_of,
    line_where_somebody_looks,
)
from neuralake.report.run.progress import BenchProgress
from neuralake.report.steps import Steps
from neuralake.results.comparison import Change
from neuralake.stats.paired import Question
from tests.report.run.test_progress import plan
from tests.results.make import judged, sample


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def console(*, terminal: bool = False) -> Console:
    file = Terminal() if terminal else io.StringIO()
    return Console(file=file, force_terminal=terminal, width=60)


def printed(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def test_a_log_gets_a_line_every_half_minute_and_none_before(clock: Clock) -> None:
    log = console()
    line = TimedLines(log, clock)
    for number in range(130):  # one a second
        line.show(f"step {number}")
        clock.now_s += 1
    line.close()
    assert printed(log).splitlines() == [f"step {n * EVERY_S:.0f}" for n in (1, 2, 3, 4)]


def test_a_line_of_a_log_is_whole_and_harmless(clock: Clock) -> None:
    log = console()
    line = TimedLines(log, clock)
    clock.now_s += EVERY_S
    line.show("a [red]long[/red]\x1b]0; " + "word " * 40)
    assert "\x1b" not in printed(log)
    assert printed(log).count("\n") == 1
    assert printed(log).startswith("a [red]long[/red]")


def test_what_is_to_stay_is_told_at_once(clock: Clock) -> None:
    log = console()
    TimedLines(log, clock).say("building commit 1")
    assert printed(log) == "building commit 1\n"


def test_a_terminal_has_one_line_which_is_redrawn() -> None:
    terminal = console(terminal=True)
    line = line_of(terminal)
    assert isinstance(line, TerminalLine)
    line.show("x" * 100)
    line.show("second")
    line.close()
    assert "\n" not in printed(terminal)
    assert printed(terminal) == f"\r\x1b[2K{'x' * 59}\r\x1b[2Ksecond\r\x1b[2K"


class Output:
    """Of a notebook's cell."""

    text = ""

    def __call__(self, data: dict[str, str], **_: object) -> Output:
        self.update(data)
        return self

    def update(self, data: dict[str, str], **_: object) -> None:
        self.text = data["text/plain"]


def test_a_notebook_says_how_it_ended(clock: Clock) -> None:
    for error, end in ((None, "done in 7 s"), (ValueError(), "ended by an error after 7 s")):
        output = Output()
        line, terms = NotebookLine(output, clock), Terms(Question(0.02, 0.05), 60)
        with suppress(ValueError), ComparisonProgress(line, terms) as progress:
            progress.building("building commit 1")
            clock.now_s += 7
            if error is not None:
                raise error
        assert output.text == f"building commit 1\n{end}"


def test_colours_that_are_forced_make_no_terminal_of_a_log() -> None:
    log = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(line_of(log), TimedLines)
    assert isinstance(line_where_somebody_looks(log), NoLine)


def test_a_program_tells_nobody_where_nobody_looks() -> None:
    log = console()
    line = line_where_somebody_looks(log)
    assert isinstance(line, NoLine)
    line.show("step")
    line.say("told")
    line.close()
    assert printed(log) == ""
    assert isinstance(line_where_somebody_looks(console(terminal=True)), TerminalLine)


def test_a_bench_in_a_log(clock: Clock) -> None:
    log = console()
    with BenchProgress(log, plan("q01", "q02"), TimedLines(log, clock)) as progress:
        for name in ("q01", "q02"):
            progress.before("polars", "hot", name, 2)
            progress.after(sample("polars", name))
            clock.now_s += EVERY_S
        progress.before("polars", "cold", "q01", 1)
        progress.verified(judged("polars", "q01", "wrong", "one row"))
    first, second, wrong = printed(log).splitlines()
    assert first.startswith("polars q02, hot run 2 of 2 · 1/8 · ")
    assert second.startswith("polars q01, cold run 1 of 1 · 2/8 · ")
    assert wrong == "polars q01: wrong: one row"


def test_steps_tell_how_long_those_take_that_are_left(clock: Clock) -> None:
    log = console()
    steps = Steps(TimedLines(log, clock), clock)
    clock.now_s += EVERY_S
    steps.begin("power, round 3", 3, 8)  # of a measurement that goes on
    clock.now_s += 60
    steps.begin("power, round 4", 4, 8)
    clock.now_s += 120
    steps.begin("power, round 5", 5, 8)
    clock.now_s += EVERY_S
    steps.begin("power, round 6", 6, 8, "at least 1 s left")
    steps.fault("power, round 6: wrong:\none row")
    clock.now_s += EVERY_S
    steps.show("duckdb answers again")
    assert printed(log).splitlines() == [
        "power, round 3 · 3/8",
        "power, round 4 · 4/8 · 5 min left",
        "power, round 5 · 5/8 · 6 min left",
        "power, round 6 · 6/8 · at least 1 s left",
        "power, round 6: wrong: one row",
        "duckdb answers again",
    ]


def test_a_comparison_in_a_log(clock: Clock) -> None:
    log = console()
    terms = Terms(Question(), max_time_s=60)
    with ComparisonProgress(TimedLines(log, clock), terms) as progress:
        progress.building("building commit 1")
        progress.planned({"polars": 120.0})
        progress.starting("polars", 0, 4)
        clock.now_s += EVERY_S
        progress.paired("polars", 0, 0)
        progress.judged("polars", Change(None, "slower"), (), 30.0)
        clock.now_s += EVERY_S
        progress.paired("polars", 0, 1)
    lines: Iterator[str] = iter(printed(log).splitlines())
    assert next(lines) == "building commit 1"
    assert next(lines).startswith("by this machine's noise every verdict may take 2 min")
    assert next(lines) == "polars: pair of processes 1, round 1 of 4"
    assert next(lines).startswith("polars: pair of processes 1, round 2 of 4 · suite slower · 0 qu")
