"""The picture of a pipeline: each part in a line, in the way of an event."""

from __future__ import annotations

import io

from rich.console import Console

from neuralake.pipeline.figures import Figures
from neuralake.pipeline.parts import Places
from neuralake.report.pipeline import Picture, in_a_line, rows

PLACES = Places("kafka://127.0.0.1:9092/events", "events (/lake/events)", "http://127.0.0.1:8080")
FIGURES = Figures(
    elapsed_s=83.0,
    sent=830_000,
    late=3,
    sent_per_s=10_000.4,
    waiting=412,
    lag_s=0.0312,
    rows=829_588,
    commits=3_204,
    dead_letters=1,
    rows_per_s=9_998.0,
    commits_per_s=38.25,
    durable_p50_s=0.01,
    durable_p99_s=float("inf"),
    version=3_290,
    files=9,
    live_bytes=12 << 20,
    compactions=86,
    restarts=2,
    age_p50_s=0.0214,
    age_max_s=0.0389,
    query_p50_s=0.0042,
)


def test_each_part_has_its_figures() -> None:
    assert rows(FIGURES, PLACES) == [
        ("pipeline", "1 min 23 s; Ctrl-C ends it"),
        ("events", "10,000 a second, 830,000 in all, 3 late"),
        (
            "topic",
            "kafka://127.0.0.1:9092/events; 412 events wait; the oldest that was read for 31.2 ms",
        ),
        (
            "writer",
            (
                "9,998 rows and 38.2 commits a second; durable in ≤ 10.0 ms (p50), more than 30 s "
                "(p99); 1 dead letter; 2 restarts"
            ),
        ),
        ("table", "events (/lake/events), version 3,290, 9 files of 12 MiB, 86 compactions"),
        (
            "API",
            (
                "http://127.0.0.1:8080; newest event 21.4 ms old (median), 38.9 ms (most); "
                "answers in 4.20 ms"
            ),
        ),
    ]


def test_what_is_not_known_is_left_out() -> None:
    found = dict(rows(Figures(elapsed_s=0.2), PLACES))
    assert "events" not in found
    assert found["topic"] == PLACES.source
    assert found["writer"] == "0 rows and 0.0 commits a second"
    assert found["table"] == "events (/lake/events), 0 compactions"
    assert found["API"] == PLACES.api


def test_a_line_has_the_same_in_short() -> None:
    assert in_a_line(FIGURES) == (
        "830,000 events sent, 829,588 rows in 3,204 commits, 412 wait, durable p99 more than 30 s, "
        "answers at most 38.9 ms old, 9 files, 2 restarts"
    )


def test_a_terminal_has_one_picture_that_is_removed() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    picture = Picture(Console(file=screen, force_terminal=True, width=60))
    picture.say("starting a broker")
    picture.show(FIGURES, PLACES)
    picture.say("compact: killed")
    picture.show(FIGURES, PLACES)
    picture.close()
    written = screen.getvalue()
    assert written.startswith("starting a broker\n")
    assert written.index("compact: killed") < written.rindex("http://127.0.0.1:8080")
    assert written.endswith("\x1b[2K")  # the last line of the picture is erased


def test_elsewhere_there_are_lines() -> None:
    log = io.StringIO()
    picture = Picture(Console(file=log, width=60))
    picture.say("ready")
    picture.show(FIGURES, PLACES)  # within the half minute
    picture.close()
    assert log.getvalue() == "ready\n"
