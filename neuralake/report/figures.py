"""Figures of a run, as SVG and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neuralake.report.summary import Summary, summarise
from neuralake.report.terminal import DISCLAIMER
from neuralake.results.records import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, distinguishable with any colour vision, and markers for print
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_FAILED = "x"


def write_latency_figure(run: Run, directory: Path) -> tuple[Path, Path]:
    """Draw latency by query and engine, and write it as ``latency.svg`` and ``latency.png``.

    The same run gives the same bytes.

    Returns
    -------
    tuple of Path
        The SVG and the PNG.
    """
    import matplotlib as mpl

    svg, png = directory / "latency.svg", directory / "latency.png"
    with mpl.rc_context({"svg.hashsalt": run.header.id, "svg.fonttype": "none"}):
        figure = latency_figure(run)
        figure.savefig(svg, metadata={"Date": None})
        figure.savefig(png, dpi=160, metadata={"Software": None})
    return svg, png


def latency_figure(run: Run) -> Figure:
    """Median latency of each query on each engine, with its interval, on a log axis.

    A query without a latency is marked as such at the upper edge, and never drawn as a time.
    """
    from matplotlib.figure import Figure

    summary = summarise(run)
    figure = Figure(figsize=(max(6.0, 0.42 * len(summary.queries) + 2), 4.6), layout="constrained")
    axes = figure.add_subplot()
    width = 0.7 / max(len(summary.engines), 1)
    for index, engine in enumerate(summary.engines):
        offset = (index - (len(summary.engines) - 1) / 2) * width
        _draw_engine(axes, summary, engine, index, offset)
    axes.set_yscale("log")
    axes.set_xticks(range(len(summary.queries)), summary.queries, rotation=60)
    axes.set_xlim(-0.6, len(summary.queries) - 0.4)
    axes.set_ylabel("latency (s)")
    axes.grid(axis="y", which="major", color="#dddddd", linewidth=0.8)
    axes.grid(axis="y", which="minor", color="#eeeeee", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    size = "" if run.header.scale_factor is None else f", scale factor {run.header.scale_factor:g}"
    axes.set_title(
        f"{run.header.workload}{size}: median of {run.header.runs} hot runs and its interval",
        loc="left",
        fontsize=11,
    )
    axes.legend(
        ncols=max(len(summary.engines), 1),
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1, 1),  # above the axes, where no point can lie
        borderaxespad=0,
        fontsize=9,
    )
    if run.header.workload == "tpch":
        figure.supxlabel(DISCLAIMER, fontsize=7, color="#555555", x=0.99, ha="right")
    return figure


def _draw_engine(axes: Axes, summary: Summary, engine: str, index: int, offset: float) -> None:
    colour, marker = _COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)]
    cells = [summary.cells[query, engine] for query in summary.queries]
    timed = [(x + offset, c.latency_s) for x, c in enumerate(cells) if c.latency_s is not None]
    failed = [x + offset for x, c in enumerate(cells) if c.latency_s is None]
    medians = [interval.median for _, interval in timed]
    axes.errorbar(
        [x for x, _ in timed],
        medians,
        yerr=[
            [i.median - i.low for _, i in timed],
            [i.high - i.median for _, i in timed],
        ],
        fmt=marker,
        color=colour,
        markersize=5,
        elinewidth=1.2,
        label=f"{engine} ({summary.by_engine[engine].verified}/{len(cells)} verified)",
    )
    if failed:
        axes.plot(
            failed,
            [0.98] * len(failed),
            _FAILED,
            color=colour,
            transform=axes.get_xaxis_transform(),
            label=f"{engine}: no valid result",
        )
