"""Figures: only what was measured, and always the same bytes."""

from __future__ import annotations

import gc
import re
import struct
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.axes import Axes

from neuralake.report.figures.chart import log_ticks
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import COLOURS, ROLES, marks
from neuralake.report.figures.render import drawing_style, render
from neuralake.report.footnote import DISCLAIMER
from neuralake.report.run.figures import run_pictures
from neuralake.report.run.figures.latency import cold, latency
from neuralake.report.run.figures.ratios import ratios
from neuralake.report.run.figures.resources import cpu, memory
from neuralake.report.run.figures.totals import totals
from neuralake.report.runs.figures import runs_pictures
from neuralake.report.runs.summary import summarise_runs
from neuralake.results.summary import summarise
from tests.report.run.make import MIB, NASTY, TPCH, made_run, nasty_run, troubled_run
from tests.results.make import run, sample

FEW = ("q01", "q02")  # enough where it is no matter how many there are
FAILED = run(
    [
        *[sample("polars", "q01", s) for s in (1.0, 2.0, 3.0)],
        sample("polars", "q02", None, status="crashed"),
        *[sample("spark", "q02", s) for s in (4.0, 5.0, 6.0)],
    ]
)


def text(drawing: Drawing) -> list[str]:
    """Everything that is written in a figure."""
    figure = drawing.figure
    written = [t.get_text() for t in figure.texts]
    for axes in figure.axes:
        written += [t.get_text() for t in axes.texts]
        written += [t.get_text() for t in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    return written


def numbers(axes: Axes) -> set[float]:
    """The x coordinates at which points or lines are drawn as data."""
    return {
        float(value)
        for line in axes.get_lines()
        if line.get_transform() == axes.transData
        for value in np.asarray(line.get_xdata(), dtype=float)
    }


def test_a_failed_query_is_a_cross_with_its_reason_and_no_time() -> None:
    drawing = latency(FAILED, summarise(FAILED))
    (axes,) = drawing.figure.axes
    assert axes.get_xscale() == "log"
    crosses = [line for line in axes.get_lines() if line.get_marker() == "x"]
    assert [line.get_label() for line in crosses] == ["polars: crashed", "spark: missing"]
    assert all(line.get_transform() != axes.transData for line in crosses)
    assert numbers(axes) >= {2000.0, 5000.0}
    assert min(numbers(axes)) >= 1.0
    assert {"crashed", "missing"} <= set(text(drawing))
    assert "A cross at the right" in drawing.caption


def test_totals_say_over_which_queries_they_are() -> None:
    troubled = troubled_run()
    drawing = totals(troubled, summarise(troubled))
    assert "over 17 of 22 queries" in " ".join(text(drawing))
    assert "Left out: q03, q09, q11, q21, q22." in drawing.caption
    nothing = totals(FAILED, summarise(FAILED))
    assert not [patch for axes in nothing.figure.axes for patch in axes.patches]
    assert any("no query has a latency on every engine" in line for line in text(nothing))


def test_the_heat_map_has_ratios_to_the_fastest() -> None:
    timed = run([sample("polars", "q01", 1.0), sample("spark", "q01", 12.34)])
    drawing = ratios(timed, summarise(timed))
    assert drawing is not None
    assert {"1.00", "12.3"} <= set(text(drawing))
    failed = ratios(FAILED, summarise(FAILED))
    assert failed is not None
    assert {"× crashed", "× missing", "1.00"} <= set(text(failed))
    alone = run([sample("polars", "q01", 1.0)], engines=["polars"])
    assert ratios(alone, summarise(alone)) is None


def test_cold_is_drawn_against_hot() -> None:
    samples = [sample("polars", "q01", 3.0, phase="cold"), sample("polars", "q01", 1.0)]
    drawing = cold(made := run(samples, engines=["polars"]), summarise(made))
    assert drawing is not None
    assert numbers(drawing.figure.axes[0]) == {1000.0, 3000.0}
    assert "cold (hollow), hot" in text(drawing)[0]


def test_without_cold_runs_the_first_is_drawn_against_hot() -> None:
    samples = [sample("polars", "q01", 2.0, 0, phase="first"), sample("polars", "q01", 1.0)]
    drawing = cold(made := run(samples, engines=["polars"]), summarise(made))
    assert drawing is not None
    assert "first (hollow), hot" in text(drawing)[0]
    assert cold(FAILED, summarise(FAILED)) is None


def test_memory_and_cores_used() -> None:
    made = made_run(engines=("polars",), queries=("q01",))
    summary = summarise(made)
    peak = summary.cells["q01", "polars"].peak_rss_bytes
    drawn = memory(made, summary), cpu(made, summary)
    assert drawn[0] is not None
    assert drawn[1] is not None
    assert peak is not None
    assert numbers(drawn[0].figure.axes[0]) == {peak / MIB}
    (line,) = (n for n in numbers(drawn[1].figure.axes[0]) if n not in (0.0, 4.0, 1.0))
    assert line == pytest.approx(2.7)
    assert "4 cores" in text(drawn[1])


@pytest.mark.more
def test_the_same_run_gives_the_same_bytes() -> None:
    troubled = troubled_run()
    first, second = (run_pictures(troubled, summarise(troubled)) for _ in range(2))
    assert first == second
    names = ["latency", "totals", "ratios", "cold", "memory", "cpu"]
    assert [picture.name for picture in first] == names


def test_the_garbage_collector_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), drawing_style("seed"):
        assert gc.get_threshold()[0] > before[0]
        raise ZeroDivisionError
    assert gc.get_threshold() == before


def test_identifiers_of_one_page_do_not_collide() -> None:
    made = made_run(cold=2, queries=FEW)
    pictures = run_pictures(made, summarise(made))
    identifiers = [i for p in pictures for i in re.findall(r' id="([^"]+)"', p.inline)]
    assert identifiers
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.usefixtures("drawn_pictures")
def test_every_figure_has_words_and_adapts_to_a_dark_page() -> None:
    runs = summarise_runs(
        [made_run(id="a", queries=FEW), made_run(id="b", scale_factor=10.0, queries=FEW)]
    )
    made = made_run(queries=FEW)
    for picture in [*run_pictures(made, summarise(made)), *runs_pictures(runs)]:
        root = ET.fromstring(picture.svg)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == picture.description
        assert DISCLAIMER in picture.svg.decode()
        assert "prefers-color-scheme: dark" in picture.svg.decode()
        assert "style=" not in picture.inline  # no inline style: the page's policy allows none
        for element in root.iter():
            for name, letter in (("fill", "f"), ("stroke", "s")):
                if element.attrib.get(name) in ROLES:
                    assert f"{letter}-" in element.attrib["class"]
        assert picture.png.startswith(b"\x89PNG")


@pytest.mark.usefixtures("whole_pictures")
def test_a_png_has_220_points_an_inch() -> None:
    drawing = totals(FAILED, summarise(FAILED))
    width, height = drawing.figure.get_size_inches()
    size = struct.unpack(">II", render(drawing).png[16:24])  # its header's
    assert size == pytest.approx((width * 220, height * 220), abs=1)


def test_another_workload_has_no_disclaimer() -> None:
    made = made_run(workload="shop", queries=FEW)
    assert not any(b"TPC" in picture.svg for picture in run_pictures(made, summarise(made)))


def test_a_run_in_which_everything_failed_still_has_figures() -> None:
    nothing = run([sample("polars", "q01", None, status="error")])
    assert next(p.name for p in run_pictures(nothing, summarise(nothing))) == "latency"


def test_a_run_without_engines_has_no_figure() -> None:
    assert run_pictures(run([], engines=[]), summarise(run([], engines=[]))) == []


def test_names_from_elsewhere_are_no_markup() -> None:
    nasty = nasty_run()
    pictures = run_pictures(nasty, summarise(nasty))
    assert pictures
    for picture in pictures:
        assert "<script" not in picture.inline
        assert "<img" not in picture.inline
        assert "\x1b" not in picture.inline
        assert "$" in picture.inline  # a dollar is a dollar, and begins no formula
    assert "<script>" in NASTY


def test_many_engines_have_a_mark_each_and_many_queries_are_cut() -> None:
    engines = [f"engine{number}" for number in range(12)]
    assert len({(m.colour, m.marker) for m in marks(engines).values()}) == 12
    assert {mark.colour for mark in marks(engines).values()} == set(COLOURS)
    many = made_run(engines=("polars",), queries=[f"q{number:03}" for number in range(130)], hot=1)
    drawing = latency(many, summarise(many))
    assert "The first 100 of 130 queries are drawn; the table has all." in drawing.caption
    assert len(drawing.figure.axes[0].get_yticks()) == 100
    assert len(TPCH) == 22


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 120.0, [0.01, 0.1, 1.0, 10.0, 100.0]),
        (0.02, 0.4, [0.03, 0.1, 0.3]),
        (0.1, 0.5, [0.1, 0.2, 0.5]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert log_ticks(low, high) == expected


def test_there_are_ticks_however_narrow_the_range() -> None:
    for width in (1.02, 1.1, 1.3, 2.0, 9.0, 1e9):
        ticks = log_ticks(0.7, 0.7 * width)
        assert 2 <= len(ticks) <= 10
        assert all(0.7 <= tick <= 0.7 * width * 1.000001 for tick in ticks)
