"""The figures of several runs."""

from __future__ import annotations

import numpy as np
import pytest

from neuralake.report.runs.figures import exponents, run_against_run, scaling
from neuralake.report.runs.summary import summarise_runs
from tests.report.run.make import made_run
from tests.report.run.test_figures import text


def test_a_later_run_is_drawn_against_the_first() -> None:
    failures = {("polars", "q02"): ("timeout", "late")}
    runs = [made_run(id="a"), made_run(id="b", speed=2.0, failures=failures)]  # type: ignore[arg-type]
    drawing = run_against_run(summarise_runs(runs), 1)
    (axes,) = drawing.figure.axes
    points = [line for line in axes.get_lines() if line.get_marker() in ("o", "s", "^")]
    values = [x for line in points for x in np.asarray(line.get_xdata(), dtype=float)]
    assert len(values) == 3 * 22 - 1
    assert values == pytest.approx([2.0] * len(values))
    assert "no pair" in text(drawing)


def test_time_is_drawn_against_scale_factor_with_its_exponent() -> None:
    comparison = summarise_runs([made_run(id=f"{s:g}", scale_factor=s) for s in (0.1, 1.0, 10.0)])
    panels, dots = scaling(comparison), exponents(comparison)
    assert panels is not None
    assert dots is not None
    assert len(panels.figure.axes) == 22
    assert panels.figure.axes[0].get_title("right") == "1.00  1.00  1.00"
    (points,) = (line for line in dots.figure.axes[0].get_lines() if line.get_marker() == "o")
    assert np.asarray(points.get_xdata(), dtype=float) == pytest.approx([1.0] * 22)
