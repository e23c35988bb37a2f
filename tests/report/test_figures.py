"""The figure of a run: only what was measured, and always the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuralake.report.figures import latency_figure, write_latency_figure
from tests.conftest import FAST_ENGINES, Bench
from tests.results.make import run, sample

FAILED = run(
    [
        *[sample("polars", "q01", s) for s in (1.0, 2.0, 3.0)],
        sample("polars", "q02", None, status="crashed"),
        *[sample("spark", "q02", s) for s in (4.0, 5.0, 6.0)],
    ]
)


def test_the_same_run_gives_the_same_bytes(official_bench: Bench, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        files = write_latency_figure(official_bench.run, tmp_path / name)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    svg, png = written[0]
    assert svg.startswith(b"<?xml")
    assert png.startswith(b"\x89PNG")
    for engine in FAST_ENGINES:
        assert f"{engine} (22/22 verified)".encode() in svg
    assert b"not comparable with published TPC-H results" in svg


def test_a_failed_query_is_marked_and_not_drawn_as_a_time() -> None:
    (axes,) = latency_figure(FAILED).axes
    assert axes.get_yscale() == "log"
    drawn = {line.get_label(): line for line in axes.get_lines()}
    crosses = [line for label, line in drawn.items() if str(label).endswith("no valid result")]
    assert len(crosses) == 2
    for line in crosses:
        assert line.get_marker() == "x"
        assert line.get_transform() != axes.transData
    times = [
        float(value)
        for line in axes.get_lines()
        if line not in crosses
        for value in np.asarray(line.get_ydata(), dtype=float)
    ]
    assert min(times) >= 1.0
    assert {2.0, 5.0} <= set(times)


def test_a_run_in_which_everything_failed_still_has_a_figure(tmp_path: Path) -> None:
    nothing = run([sample("polars", "q01", None, status="error")])
    svg, png = write_latency_figure(nothing, tmp_path)
    assert svg.stat().st_size > 0
    assert png.stat().st_size > 0


def test_names_from_elsewhere_are_no_markup(tmp_path: Path) -> None:
    odd = run([sample("$x_{", "q$^", 1.0)], engines=["$x_{"], workload="a$b$\\frac{")
    write_latency_figure(odd, tmp_path)
