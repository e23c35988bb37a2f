"""Queries alone and beside others: what a second stream costs each."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.figures.chart import log_axis, row_chart
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import marks
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def alone_and_beside(run: StreamsRun, summary: StreamsSummary) -> Drawing | None:
    """Elapsed time of each query in the largest throughput run and, hollow, in the power run."""
    streams = max(run.header.streams)
    known = [found for found in summary.latencies if found.alone_s and streams in found.beside_s]
    if not known:
        return None
    names = list(dict.fromkeys(found.name for found in known))
    every = marks([request.name for request in run.header.engines])
    by_engine = {e: m for e, m in every.items() if any(found.engine == e for found in known)}
    chart = row_chart(
        "Elapsed time of a query alone and beside other streams, s (log scale)",
        names,
        by_engine,
        label="seconds",
    )
    ends: list[float] = []
    for number, (engine, mark) in enumerate(by_engine.items()):
        own = [found for found in known if found.engine == engine]
        rows = [chart.place(names.index(found.name), number) for found in own]
        alone = [found.alone_s or 0.0 for found in own]
        beside = [found.beside_s[streams] for found in own]
        chart.spans(list(zip(rows, alone, beside, strict=True)), mark)
        chart.points(list(zip(rows, alone, strict=True)), mark, hollow=True)
        chart.points(list(zip(rows, beside, strict=True)), mark)
        ends += [*alone, *beside]
    log_axis(chart.axes, ends)
    said = "; ".join(
        f"{found.engine} {found.name}: {numbers.in_ms(found.alone_s)} and "
        f"{numbers.in_ms(found.beside_s[streams])} ms"
        for found in known
    )
    return Drawing(
        "latencies",
        f"Queries alone and beside others. {said}.",
        f"Hollow: alone in the power run. Full: the median of {numbers.count(streams, 'stream')} "
        "at once. Parameters differ from stream to stream.",
        chart.sheet.figure,
    )
