"""Latency of each query on each engine: hot, and cold or first against hot."""

from __future__ import annotations

from collections.abc import Callable

from neuralake.report.figures.chart import Rows, log_axis, row_chart
from neuralake.report.figures.drawing import Drawing, cut
from neuralake.report.figures.palette import Mark, marks
from neuralake.report.footnote import footnote
from neuralake.report.run.headline import title
from neuralake.report.text import short
from neuralake.results.records import Run
from neuralake.results.summary import Cell, Summary
from neuralake.stats.summary import Interval


def latency(run: Run, summary: Summary) -> Drawing:
    """Median of the hot runs with its interval, on a log axis; a failure is no time."""
    queries, note = cut(summary.queries)
    by_engine = marks(summary.engines)
    shown = [summary.cells[q, e].latency_s for q in queries for e in summary.engines]
    chart = row_chart(
        f"{short(title(run), 32)}: median of {run.header.runs} hot runs",
        queries,
        by_engine,
        label="latency, ms (log scale)",
        footnote=footnote(run.header.workload),
        failures=None in shown,
    )
    for index, (engine, mark) in enumerate(by_engine.items()):
        cells = [summary.cells[query, engine] for query in queries]
        _draw(chart, index, mark, [cell.latency_s for cell in cells])
        for row, cell in enumerate(cells):
            if cell.latency_s is None:
                chart.fail(row, index, mark, cell.status)
    ends = [end * 1e3 for i in shown if i is not None for end in (i.low, i.high)]
    log_axis(chart.axes, ends)
    failed = " A cross at the right is a query without a valid latency." if None in shown else ""
    reached = min((i.confidence for i in shown if i is not None), default=None)
    interval = (
        "" if reached is None else f" Lines are {100 * reached:.0f} % intervals of the median."
    )
    return Drawing(
        "latency",
        f"Latency of {len(queries)} queries on {', '.join(summary.engines)}: "
        "median of the hot runs with its interval, on a logarithmic axis; numbers in the table.",
        f"Left is faster.{interval}{failed}{note}",
        chart.sheet.figure,
    )


def cold(run: Run, summary: Summary) -> Drawing | None:
    """Cold against hot; the first run against hot where no cold runs were made."""
    has_cold = any(cell.cold_s for cell in summary.cells.values())
    before: Callable[[Cell], float | None] = _cold_s if has_cold else _first_s
    if not any(before(cell) for cell in summary.cells.values()):
        return None
    queries, note = cut(summary.queries)
    by_engine = marks(summary.engines)
    word = "cold" if has_cold else "first"
    failures = any(not summary.cells[q, e].latency_s for q in queries for e in summary.engines)
    filled, hollow = f"{word} (hollow)", "hot (filled)"
    chart = row_chart(
        f"{short(title(run), 32)}: {filled}, {hollow}",
        queries,
        by_engine,
        label="latency, ms (log scale)",
        footnote=footnote(run.header.workload),
        failures=failures,
    )
    drawn: list[float] = []
    for index, (engine, mark) in enumerate(by_engine.items()):
        pairs: list[tuple[float, float, float]] = []
        for row, query in enumerate(queries):
            cell = summary.cells[query, engine]
            early = before(cell)
            if cell.latency_s is None or early is None:
                chart.fail(row, index, mark, cell.status if cell.status != "ok" else "missing")
            else:
                pairs.append((chart.place(row, index), early * 1e3, cell.latency_s.median * 1e3))
        chart.spans(pairs, mark)
        chart.points([(y, early) for y, early, _ in pairs], mark, hollow=True)
        chart.points([(y, late) for y, _, late in pairs], mark)
        drawn += [end for _, *both in pairs for end in both]
    log_axis(chart.axes, drawn)
    what = (
        "cold runs (new process, page cache evicted)"
        if has_cold
        else "the first run of each query in its process"
    )
    return Drawing(
        "cold",
        f"Latency of {what} against hot runs of {len(queries)} queries on "
        f"{', '.join(summary.engines)}, on a logarithmic axis; numbers in the table.",
        f"Hollow: {what}. Filled: median of the hot runs.{note}",
        chart.sheet.figure,
    )


def _draw(chart: Rows, index: int, mark: Mark, intervals: list[Interval | None]) -> None:
    timed = [(chart.place(row, index), i) for row, i in enumerate(intervals) if i is not None]
    chart.spans([(y, i.low * 1e3, i.high * 1e3) for y, i in timed], mark)
    chart.points([(y, i.median * 1e3) for y, i in timed], mark)


def _cold_s(cell: Cell) -> float | None:
    return cell.cold_s.median if cell.cold_s else None


def _first_s(cell: Cell) -> float | None:
    return cell.first_s
