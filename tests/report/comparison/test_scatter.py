"""Counted work against time: which queries disagree, and what that points to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.report.comparison.beside import Beside, correlation, side_by_side
from neuralake.report.comparison.scatter import scatter
from neuralake.report.figures.render import drawing_style, render
from tests.report.comparison.make import change
from tests.report.run.make import NASTY

COUNTED = (
    change("q01", "unchanged", 0.1, 0.2),
    change("q02", "slower", 6.0, 0.3),
    change("q03", "unchanged", 0.0, 0.2),
    change("q04", "faster", -20.0, 0.5),
    change("q05", "failed", ratio=None, low=None, high=None),
)
TIMED = (
    change("q01", "unchanged", 0.5, 2.0),
    change("q02", "slower", 5.0, 3.0),
    change("q03", "slower", 9.0, 3.0),
    change("q04", "faster", -21.0, 3.0),
    change("q05", "unchanged", 0.0, 1.0),
    change("q06", "unchanged", 0.0, 1.0),
)


def cpu(percent: float, half_width: float = 1.0) -> dict[str, float]:
    middle = 1 + percent / 100
    return {
        "cpu_ratio": middle,
        "cpu_low": middle - half_width / 100,
        "cpu_high": middle + half_width / 100,
    }


def test_a_correlation_below_nothing_has_the_sign_of_all_other_numbers() -> None:
    opposed = zip((1.0, 2.0, 3.0), (-1.0, -2.0, -3.0), strict=True)
    pairs = [Beside(change("q", "slower", x), change("q", "faster", y)) for x, y in opposed]
    with drawing_style("a"):
        assert "Their correlation is −1.00." in scatter("polars", pairs, 1, "tpch").caption


def test_queries_stand_side_by_side_that_have_both() -> None:
    pairs = list(side_by_side(COUNTED, TIMED))
    assert [pair.query for pair in pairs] == ["q01", "q02", "q03", "q04"]
    assert [pair.query for pair in pairs if pair.disagrees] == ["q03"]


@pytest.mark.parametrize(
    ("counted", "timed", "of_cpu", "said"),
    [
        (
            0,
            9,
            cpu(0),
            "CPU time agrees with the count: more waiting (disk, locks), or less at once",
        ),
        (0, -9, cpu(0), "CPU time agrees with the count: less waiting (disk, locks), or more"),
        (0, 9, cpu(9), "CPU time agrees with the clock: instructions that cost more (caches"),
        (9, 0, cpu(0), "CPU time agrees with the clock: instructions that cost less (caches"),
        (0, 9, cpu(4.5), "more waiting (disk, locks), or less at once; instructions that cost"),
        (
            0,
            9,
            {"cpu_ratio": None, "cpu_low": None, "cpu_high": None},
            "more waiting (disk, locks)",
        ),
    ],
)
def test_a_disagreement_points_to_something(
    counted: float, timed: float, of_cpu: dict[str, float | None], said: str
) -> None:
    pair = Beside(
        change("q01", "unchanged", counted, 0.2), change("q01", "unchanged", timed, 2, **of_cpu)
    )
    assert pair.disagrees
    assert (pair.points_to() or "").startswith(said)


def test_agreement_points_to_nothing() -> None:
    pair = Beside(change("q01", "unchanged", 1, 0.2), change("q01", "unchanged", 2, 3))
    assert pair.points_to() is None


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=22))
def test_the_correlation_is_that_of_the_logarithms(percents: list[float]) -> None:
    changes = [change(f"q{i}", "unchanged", p, 0.1) for i, p in enumerate(percents)]
    found = correlation([Beside(c, c) for c in changes])
    if max(percents) - min(percents) > 1e-3:
        assert found == pytest.approx(1)
    logs = [math.exp(-math.log(c.ratio or 1)) for c in changes]
    inverse = [change(f"q{i}", "unchanged", (ratio - 1) * 100, 0.1) for i, ratio in enumerate(logs)]
    opposite = correlation([Beside(c, i) for c, i in zip(changes, inverse, strict=True)])
    if max(percents) - min(percents) > 1e-3:
        assert opposite == pytest.approx(-1)


def test_of_few_or_of_no_change_there_is_no_correlation() -> None:
    one = Beside(change("q01", "unchanged", 1), change("q01", "unchanged", 1))
    assert correlation([one, one]) is None
    assert correlation([one, one, one]) is None


@pytest.mark.parametrize("narrow", [False, True])
def test_only_queries_that_disagree_are_named(narrow: bool) -> None:
    pairs = list(side_by_side(COUNTED, TIMED))
    with drawing_style("x"):
        drawing = scatter("polars", pairs, 1, "tpch", narrow=narrow)
        picture = render(drawing)
    (axes,) = drawing.figure.axes
    assert [text.get_text() for text in axes.texts] == ["q03"]
    labels = {label for line in axes.lines if not (label := str(line.get_label())).startswith("_")}
    assert labels == {"q01: agrees", "q02: agrees", "q03: disagrees", "q04: agrees"}
    assert drawing.caption.endswith("Beyond their intervals disagree: q03.")
    assert picture.svg
    limits = (*axes.get_xlim(), *axes.get_ylim())
    assert limits[0] == -limits[1] == limits[2] == -limits[3] < math.log(0.8)


def test_a_nasty_name_is_drawn() -> None:
    pairs = [Beside(change(NASTY, "unchanged", 0, 0.1), change(NASTY, "slower", 20, 0.1))]
    with drawing_style("x"):
        assert render(scatter(NASTY, pairs, 1, NASTY)).svg
