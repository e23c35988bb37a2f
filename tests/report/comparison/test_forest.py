"""The forest plot: slower is to the right, as far as faster is to the left."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from neuralake.report.comparison.figures import forest_pictures
from neuralake.report.comparison.forest import forest
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import FASTER, INCONCLUSIVE, ROLES, SLOWER, SURFACE, UNCHANGED
from neuralake.report.footnote import DISCLAIMER
from neuralake.results.comparison import Change, EngineComparison
from tests.report.comparison.make import (
    change,
    faulty_engine,
    made_comparison,
    made_engine,
    nasty_comparison,
    single_unit_engine,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)

ONE_OF_EACH = (
    change("q01", "slower", 12.0, 2.0),
    change("q02", "faster", -9.0, 4.0),
    change("q03", "unchanged", 0.5, 2.5),
    change("q04", "inconclusive", 3.0, 8.0),
)


def drawn(engine: EngineComparison) -> tuple[Drawing, Axes]:
    drawing = forest(made_comparison(engine), engine, 1)
    (axes,) = drawing.figure.axes
    return drawing, axes


def made(*queries: Change, suite: Change | None = None) -> tuple[Drawing, Axes]:
    return drawn(made_engine("polars", suite or change(None, "slower", 3.0, 1.0), queries))


def labelled(axes: Axes, label: str) -> Line2D:
    (line,) = (line for line in axes.get_lines() if line.get_label() == label)
    return line


def x_of(line: Line2D) -> float:
    (value,) = np.asarray(line.get_xdata(), dtype=float)
    return float(value)


def test_slower_is_to_the_right_and_half_is_as_far_as_twice() -> None:
    _, axes = made(*ONE_OF_EACH)
    assert x_of(labelled(axes, "q01: slower")) == pytest.approx(math.log(1.12))
    assert x_of(labelled(axes, "q02: faster")) == pytest.approx(math.log(0.91))
    low, high = axes.get_xlim()
    assert low == -high < 0
    assert axes.get_xlabel() == "← faster · change of wall time, % · slower →"
    _, axes = made(change("q01", "slower", 100.0, 1.0), change("q02", "faster", -50.0, 1.0))
    right, left = x_of(labelled(axes, "q01: slower")), x_of(labelled(axes, "q02: faster"))
    assert right == pytest.approx(-left)


def test_the_suite_is_a_diamond_on_top_as_wide_as_its_interval() -> None:
    _, axes = made(*ONE_OF_EACH)
    (diamond,) = (patch for patch in axes.patches if isinstance(patch, Polygon))
    corners = diamond.get_xy()
    assert corners[:, 0].min() == pytest.approx(math.log(1.02))
    assert corners[:, 0].max() == pytest.approx(math.log(1.04))
    queries = [
        np.asarray(labelled(axes, f"q0{n}: {v}").get_ydata(), dtype=float)[0]
        for n, v in enumerate(("slower", "faster"), 1)
    ]
    assert corners[:, 1].max() < min(queries)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # downwards
    assert to_hex(diamond.get_facecolor()) == SLOWER


def test_a_verdict_is_a_colour_and_a_word_and_an_open_one_is_hollow() -> None:
    _, axes = made(*ONE_OF_EACH)
    fills = {
        "q01: slower": (SLOWER, SLOWER),
        "q02: faster": (FASTER, FASTER),
        "q03: unchanged": (UNCHANGED, UNCHANGED),
        "q04: inconclusive": (SURFACE, INCONCLUSIVE),
    }
    for label, (face, edge) in fills.items():
        line = labelled(axes, label)
        assert (line.get_markerfacecolor(), line.get_markeredgecolor()) == (face, edge)
        assert line.get_marker() == "s"
    written = [text.get_text() for text in axes.texts]
    assert {"▲ slower", "▼ faster", "= unchanged", "? inconclusive"} <= set(written)
    assert "+12.0 [+10.0, +14.0]" in written
    assert "+3.0 [+2.0, +4.0]" in written


def test_a_square_s_area_is_its_precision() -> None:
    _, axes = made(change("q01", "unchanged", 0, 1.0), change("q02", "unchanged", 0, 2.0))
    sizes = [labelled(axes, f"q0{n}: unchanged").get_markersize() for n in (1, 2)]
    assert sizes[0] == pytest.approx(2 * sizes[1], rel=0.01)  # area: weight by inverse variance


def test_changes_that_do_not_matter_are_shaded() -> None:
    _, axes = made(*ONE_OF_EACH)
    bands = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    halves = [(band.get_x(), band.get_x() + band.get_width()) for band in bands]
    assert halves[0] == pytest.approx((-math.log(1.02), math.log(1.02)))
    assert halves[1] == pytest.approx((-math.log(1.05), math.log(1.05)))
    assert bands[0].get_y() + bands[0].get_height() == pytest.approx(bands[1].get_y())


def test_an_interval_that_goes_on_ends_in_an_arrow() -> None:
    drawing, axes = made(*ONE_OF_EACH, change("q05", "inconclusive", 1.0, 60.0))
    arrows = [line for line in axes.get_lines() if line.get_label() == "goes on"]
    assert [line.get_marker() for line in arrows] == ["<", ">"]
    assert [x_of(line) for line in arrows] == pytest.approx(axes.get_xlim(), rel=0.03)
    spans = [c.get_segments() for c in axes.collections if isinstance(c, LineCollection)]
    assert (
        max(abs(x) for segments in spans for x in np.ravel([s[:, 0] for s in segments]))
        <= (axes.get_xlim()[1])
    )
    assert "An arrow: the interval goes on." in drawing.caption
    drawing, axes = made(*ONE_OF_EACH)
    assert not [line for line in axes.get_lines() if line.get_label() == "goes on"]
    assert "arrow" not in drawing.caption


def test_a_point_beyond_the_axis_is_an_arrow_with_its_number() -> None:
    _, axes = made(change("q01", "slower", 900.0, 30.0), change("q02", "unchanged"))
    point = labelled(axes, "q01: slower")
    assert point.get_marker() == ">"
    assert x_of(point) == axes.get_xlim()[1] == math.log(4)
    assert "+900 [+870, +930]" in [text.get_text() for text in axes.texts]


def test_a_query_without_a_time_is_a_word_and_no_point() -> None:
    _, axes = drawn(faulty_engine())
    written = [text.get_text() for text in axes.texts]
    assert written.count("× wrong") == 2  # the suite's verdict, too
    assert written.count("× failed") == 1
    assert not [line for line in axes.get_lines() if str(line.get_label()).startswith("q03")]


def test_without_an_interval_there_is_a_hollow_diamond() -> None:
    _, axes = drawn(single_unit_engine())
    (diamond,) = (patch for patch in axes.patches if isinstance(patch, Polygon))
    assert to_hex(diamond.get_facecolor()) == SURFACE
    assert not [
        c for c in axes.collections if isinstance(c, LineCollection) if len(c.get_segments())
    ]
    assert not [line for line in axes.get_lines() if line.get_label() == "CPU time"]


def test_cpu_time_is_beside_it() -> None:
    _, axes = made(change("q01", "slower", 10.0), suite=change(None, "slower", 5.0))
    values = [x_of(line) for line in axes.get_lines() if line.get_label() == "CPU time"]
    assert values == pytest.approx([math.log(1.04), math.log(1.08)])


@pytest.mark.parametrize("percent", [0.1, 3.0, 30.0, 90.0, 500.0])
def test_ticks_are_round_few_and_have_zero(percent: float) -> None:
    _, axes = made(change("q01", "slower", percent, percent / 10))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert "0" in labels
    assert 3 <= len(labels) <= 9
    assert len(set(labels)) == len(labels)


@pytest.mark.more
def test_the_same_comparison_gives_the_same_bytes() -> None:
    first, second = (forest_pictures(troubled_comparison()) for _ in range(2))
    assert first == second
    assert [picture.name for picture in first] == [f"forest-{n}" for n in range(1, 5)]


@pytest.mark.usefixtures("drawn_pictures")
def test_every_plot_has_words_and_adapts_to_a_dark_page() -> None:
    for picture in forest_pictures(troubled_comparison()):
        root = ET.fromstring(picture.svg)
        assert root.attrib["role"] == "img"
        assert picture.description in root.attrib["aria-label"]
        assert DISCLAIMER in picture.svg.decode()
        assert "style=" not in picture.inline
        for element in root.iter():
            for name, letter in (("fill", "f"), ("stroke", "s")):
                if element.attrib.get(name) in ROLES:
                    assert f"{letter}-" in element.attrib["class"]
        assert picture.png.startswith(b"\x89PNG")
    assert "datafusion suite: ▲ slower, +3.1 % [+2.2, +4.0] after 48 pairs" in (
        forest_pictures(made_comparison(slower_engine()))[0].description
    )


def test_names_from_elsewhere_are_no_markup() -> None:
    for picture in forest_pictures(nasty_comparison()):
        assert "<script" not in picture.inline
        assert "<img" not in picture.inline
        assert "\x1b" not in picture.inline


def test_many_queries_are_cut() -> None:
    queries = [change(f"q{n:03}", "unchanged") for n in range(130)]
    drawing, axes = made(*queries)
    assert len(axes.get_yticks()) == 101
    assert "The first 100 of 130 queries are drawn; the table has all." in drawing.caption


def test_another_workload_has_no_disclaimer() -> None:
    pictures = forest_pictures(made_comparison(unchanged_engine(), workload="shop"))
    assert not any(b"TPC" in picture.svg for picture in pictures)
