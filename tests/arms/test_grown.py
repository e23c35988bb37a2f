"""Functions that took more instructions, from the profiles that both arms kept."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

from neuralake.arms.grown import grown_functions, with_grown_functions
from neuralake.arms.request import make_terms
from neuralake.results.profiles import profile_path
from tests.report.comparison.make import change, made_comparison, made_engine


def profile(directory: Path, query: str, side: str, **functions: int) -> None:
    lines = [f"fn={name}\n1 {count}" for name, count in functions.items()]
    text = "\n".join(["positions: line", "events: Ir", *lines, ""])
    profile_path(directory, "polars", query, side).write_text(text)


def test_what_grew_is_told_of_each_query_that_both_arms_have(tmp_path: Path) -> None:
    for side, join in (("base", 400), ("candidate", 460)):
        profile(tmp_path, "q01", side, join=join, scan=600)
    profile(tmp_path, "q02", "base", join=1)  # the time was up
    profile(tmp_path, "q03", "base", join=1)
    profile_path(tmp_path, "polars", "q03", "candidate").write_text("cut off")
    engine = made_engine(
        "polars",
        change(None, "same work"),
        [change(f"q0{n}", "more work", 6.0) for n in (1, 2, 3)],
    )
    found = grown_functions(tmp_path, [engine])
    assert list(found) == ["polars"]
    assert list(found["polars"]) == ["q01"]
    (growth,) = found["polars"]["q01"]
    assert (growth.function, growth.base, growth.candidate) == ("join", 400, 460)
    assert growth.share == 0.06


def test_what_is_less_than_a_thousandth_of_the_query_is_noise(tmp_path: Path) -> None:
    for side, join in (("base", 4000), ("candidate", 4001)):
        profile(tmp_path, "q01", side, join=join, scan=6000)
    engine = made_engine("polars", change(None, "same work"), [change("q01", "same work")])
    assert grown_functions(tmp_path, [engine]) == {"polars": {"q01": ()}}


def test_who_presses_ctrl_c_does_not_wait_for_the_profiles(tmp_path: Path) -> None:
    profile(tmp_path, "q01", "base", join=400)
    endless = profile_path(tmp_path, "polars", "q01", "candidate")
    os.mkfifo(endless)
    engine = made_engine("polars", change(None, "same work"), [change("q01", "same work")])
    done = made_comparison(engine)
    assert done.finished_at is not None

    def interrupt() -> None:
        with endless.open("w"):  # it is being read
            os.kill(os.getpid(), signal.SIGINT)

    reading = threading.Thread(target=interrupt)
    reading.start()
    found = with_grown_functions(done, tmp_path)
    reading.join()
    assert found == replace(done, finished_at=None)


def test_a_count_raises_a_false_alarm_once_in_a_thousand_runs() -> None:
    asked = make_terms(max_time_s=60, by="instructions").question
    assert (asked.suite_effect, asked.query_effect) == (0.005, 0.01)
    assert asked.suite_alpha + asked.queries_alpha <= 0.001
    of_time = make_terms(max_time_s=60).question
    assert (of_time.suite_alpha, of_time.queries_alpha) == (0.004, 0.005)
