"""Memory and processor of each query."""

from __future__ import annotations

from collections.abc import Callable

from neuralake.report.figures.chart import Rows, log_axis, row_chart
from neuralake.report.figures.drawing import Drawing, cut
from neuralake.report.figures.palette import INK, MUTED, marks
from neuralake.report.footnote import footnote
from neuralake.report.run.headline import title
from neuralake.report.text import short
from neuralake.results.records import Run
from neuralake.results.summary import Cell, Summary


def memory(run: Run, summary: Summary) -> Drawing | None:
    """Greatest resident memory of each query, on a log axis."""

    def used(cell: Cell) -> float | None:
        return None if not cell.peak_rss_bytes else cell.peak_rss_bytes / 2**20

    drawn = _rows(run, summary, used, "peak resident memory", "MiB (log scale)")
    if drawn is None:
        return None
    chart, values, note = drawn
    log_axis(chart.axes, values)
    return Drawing(
        "memory",
        f"Peak resident memory of the queries on {', '.join(summary.engines)}, in MiB, on a "
        "logarithmic axis; numbers in the table.",
        "The process tree's greatest resident memory during any execution of the query, "
        f"what the engine keeps between queries included.{note}",
        chart.sheet.figure,
    )


def cpu(run: Run, summary: Summary) -> Drawing | None:
    """Cores used by each query: CPU time ÷ elapsed time of its hot runs."""
    drawn = _rows(run, summary, lambda cell: cell.cores_used, "cores used", "CPU time ÷ elapsed")
    if drawn is None:
        return None
    chart, values, note = drawn
    cores = run.header.fingerprint.cores
    chart.axes.set_xlim(0, max(cores, *values) * 1.06)
    chart.axes.locator_params(axis="x", nbins=5, steps=[1, 2, 5, 10])
    chart.axes.xaxis.set_major_formatter("{x:g}")
    chart.axes.axvline(cores, color=MUTED, linewidth=1, dashes=(4, 2))
    chart.axes.annotate(
        f"{cores} cores",
        (cores, -0.5),
        (-3, 2),
        xycoords="data",
        textcoords="offset points",
        size=7,
        color=INK,
        ha="right",
        annotation_clip=False,
    )
    return Drawing(
        "cpu",
        f"Cores used by the queries on {', '.join(summary.engines)}: CPU time divided by elapsed "
        f"time; the machine has {cores}. Numbers in the table.",
        f"Median of CPU time ÷ elapsed time of the hot runs; the dashed line is the machine.{note}",
        chart.sheet.figure,
    )


def _rows(
    run: Run, summary: Summary, value: Callable[[Cell], float | None], what: str, label: str
) -> tuple[Rows, list[float], str] | None:
    """A chart of one number a query and engine; None if there is none."""
    queries, note = cut(summary.queries)
    by_engine = marks(summary.engines)
    known = {
        (row, index): number
        for index, engine in enumerate(summary.engines)
        for row, query in enumerate(queries)
        if (number := value(summary.cells[query, engine])) is not None
    }
    if not known:
        return None
    chart = row_chart(
        f"{short(title(run), 32)}: {what}",
        queries,
        by_engine,
        label=label,
        footnote=footnote(run.header.workload),
        failures=any(
            summary.cells[q, e].latency_s is None for q in queries for e in summary.engines
        ),
    )
    for index, (engine, mark) in enumerate(by_engine.items()):
        own = [(chart.place(row, i), number) for (row, i), number in known.items() if i == index]
        chart.points(own, mark)
        for row, query in enumerate(queries):
            cell = summary.cells[query, engine]
            if cell.latency_s is None:
                chart.fail(row, index, mark, cell.status)
    return chart, list(known.values()), note
