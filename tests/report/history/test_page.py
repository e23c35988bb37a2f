"""The page and the words of a history."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from neuralake.history.records import History, Key
from neuralake.report.footnote import DISCLAIMER
from neuralake.report.history import words
from neuralake.report.history.page import MOST_FIGURES, history_page
from neuralake.report.history.terminal import print_history
from tests.history.make import made_history, made_series, nasty_history

STEP = [(15, 1.0), (15, 1.2)]


def printed(history: History) -> str:
    console = Console(file=StringIO(), width=160)
    print_history(history, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_change_has_a_line_a_label_and_a_row() -> None:
    history = made_history(made_series(STEP))
    page = history_page(history)
    (change,) = history.analysed[0].changes
    assert page.count("<figure") == 1
    assert words.percent(change.ratio) in re.findall(r"<text[^>]*>([^<]*)</text>", page)
    assert words.commit_range(change) in page
    assert "regression of" in page  # for those who do not see the figure


def test_the_same_history_gives_the_same_bytes() -> None:
    history = made_history(made_series(STEP))
    assert history_page(history) == history_page(history)


def test_nothing_from_results_is_markup_or_reaches_the_terminal() -> None:
    history = nasty_history()
    page = history_page(history)
    assert "<script>alert" not in page
    for text in (page, printed(history)):
        assert "\x1b" not in text


@pytest.mark.more
def test_more_figures_than_can_be_looked_at_are_not_drawn() -> None:
    keys = [Key("b", query=f"query {n}") for n in range(MOST_FIGURES + 5)]
    page = history_page(made_history(*(made_series([(6, 1.0)], key=key) for key in keys)))
    assert page.count("<figure") == MOST_FIGURES
    assert "5 more are in the table only." in page


def test_tpc_h_is_disclaimed_and_nothing_else_is() -> None:
    assert DISCLAIMER in printed(made_history(made_series(STEP)))
    other = made_history(made_series(STEP, key=Key("b", "polars", "sales")))
    assert DISCLAIMER not in printed(other)
    assert DISCLAIMER not in history_page(other)


def test_no_change_is_said_of_those_that_were_tested() -> None:
    short, steady = made_series([(8, 1.0)]), made_series([(30, 1.0)], key=Key("b"))
    text = printed(made_history(short, steady))
    assert "No change found in 1 series; 1 series is too short to tell." in text


def test_what_could_not_be_tested_is_said() -> None:
    text = printed(made_history(made_series([(8, 1.0)])))
    assert "No change" not in text  # where none could have been found
    assert "Nothing can be said of 1 series yet: each has too few commits." in text
    assert "1 series has fewer than 10 commits" in text
    assert "Left out: 3 values that were left out." in text


def test_an_anchor_and_its_absence_are_said() -> None:
    raw = made_series(STEP, key=Key("b", "polars"))
    text = printed(made_history(made_series(STEP, anchor="streams.Anchor.track_latency"), raw))
    assert "1 series is a ratio to the anchor" in text
    assert "1 series has no anchor" in text


def test_names_say_only_what_tells_series_apart() -> None:
    plain = Key("b", "polars", "q01", machine="m", environment="e", definition="d")
    keys = [
        plain,
        replace(plain, environment="other"),
        replace(plain, query="q02"),
        replace(plain, query="q02", definition="other"),
    ]
    history = made_history(*(made_series([(6, 1.0)], key=key) for key in keys))
    assert list(words.labels(history.analysed).values()) == [
        "polars q01 b with e",
        "polars q01 b with other",
        "polars q02 b (d)",
        "polars q02 b (other)",
    ]
    two = made_history(*(made_series([(6, 1.0)], key=replace(plain, machine=m)) for m in "ab"))
    names = words.labels(two.analysed, with_benchmark=False)
    assert list(names.values()) == ["polars q01 on a", "polars q01 on b"]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.123, "+12.3 %"), (0.8, "−20.0 %"), (1.0, "+0.0 %"), (13.0, "+1,200 %"), (None, "–")],
)
def test_a_factor_is_a_signed_percentage(ratio: float | None, text: str) -> None:
    assert words.percent(ratio) == text
