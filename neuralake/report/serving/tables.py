"""The tables of a run of serving."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.latency import in_ms, levels_shown, spread
from neuralake.report.serving import words
from neuralake.report.tables import Column, Entry, Table
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import Line, ServingSummary
from neuralake.stats.percentiles import LEAST_BEYOND


def latency_table(summary: ServingSummary) -> Table:
    """One row a contestant and rate."""
    lines = summary.lines
    levels = levels_shown([line.percentiles_ms for line in lines])
    has_null = any(line.to_null is not None for line in lines)
    columns = (
        Column("contestant", numeric=False),
        Column("offered", numeric=False),
        Column("answered/s"),
        *(Column(f"p{level} (ms)") for level in levels),
        *([Column("p50 ÷ null")] if has_null else []),
        Column("slowest (ms)"),
        Column("requests"),
        Column("429"),
        Column("failed"),
        Column("timed out"),
    )
    return Table(
        "latency",
        "Latency from the moment that a request was due until its answer was whole; what was not "
        f"answered is slower than any other; percentiles where at least {LEAST_BEYOND} samples "
        "lie beyond",
        columns,
        tuple(_row(line, levels, has_null=has_null) for line in lines),
    )


def _row(line: Line, levels: list[str], *, has_null: bool) -> tuple[Entry, ...]:
    first = (Entry(line.contestant), Entry(words.rate(line)))
    if line.status != "ok":
        rest = (Entry(""),) * (len(levels) + has_null + 5)
        return (*first, Entry(line.status, mark="failed"), *rest)
    return (
        *first,
        Entry(numbers.per_second(line.per_second), line.per_second),
        *(
            Entry(
                in_ms(line.percentiles_ms.get(level)),
                line.percentiles_ms.get(level),
                spread(line.by_round_ms.get(level, ())),
            )
            for level in levels
        ),
        *([Entry(numbers.times(line.to_null), line.to_null)] if has_null else []),
        Entry(in_ms(line.slowest_ms), line.slowest_ms),
        *(
            Entry(f"{number:,}", number)
            for number in (line.requests, line.refused, line.failed, line.timeouts)
        ),
    )


def capacity_table(run: ServingRun) -> Table | None:
    """One row a contestant: what it can do, and with how many connections."""
    if not run.capacities:
        return None
    columns = (
        Column("contestant", numeric=False),
        Column("capacity (requests/s)"),
        Column("with connections"),
        Column("one connection (requests/s)"),
        Column("its median (ms)"),
        Column("ready after (s)"),
    )
    rows = []
    for found in run.capacities:
        if found.per_second is None or not found.steps:
            failed = Entry(found.status, mark="failed")
            rows.append((Entry(found.contestant), failed, *[Entry("")] * 4))
            continue
        best = max(found.steps, key=lambda step: step.per_second)
        first = found.steps[0]
        ready_s = None if found.ready_ns is None else found.ready_ns / 1e9
        rows.append(
            (
                Entry(found.contestant, mark="failed" if found.wrong else ""),
                Entry(numbers.per_second(found.per_second), found.per_second),
                Entry(f"{best.connections:,}", best.connections),
                Entry(numbers.per_second(first.per_second), first.per_second),
                Entry(in_ms(first.median_ms), first.median_ms),
                Entry(numbers.decimal(ready_s), ready_s),
            )
        )
    return Table(
        "capacity",
        "Capacity: the most that a closed loop of 1, 2, 4 … connections was answered a second",
        columns,
        tuple(rows),
    )


def kinds_table(summary: ServingSummary) -> Table | None:
    """Latency by kind of request, where a mix has several."""
    lines = [line for line in summary.lines if line.by_kind_ms]
    if not lines:
        return None
    kinds = sorted({kind for line in lines for kind in line.by_kind_ms})
    every = [found for line in lines for found in line.by_kind_ms.values()]
    levels = [v for v in ("50", "90", "99") if any(v in found for found in every)]
    columns = (
        Column("contestant", numeric=False),
        Column("offered", numeric=False),
        *(Column(f"{kind} p{level} (ms)") for kind in kinds for level in levels),
    )
    rows = tuple(
        (
            Entry(line.contestant),
            Entry(words.rate(line)),
            *(
                Entry(in_ms(found.get(level)), found.get(level))
                for found in (line.by_kind_ms.get(kind, {}) for kind in kinds)
                for level in levels
            ),
        )
        for line in lines
    )
    return Table("kinds", "Latency by kind of request", columns, rows)


def resources_table(summary: ServingSummary) -> Table | None:
    """What servers and driver used."""
    lines = [line for line in summary.lines if line.status == "ok"]
    if not lines:
        return None
    columns = (
        Column("contestant", numeric=False),
        Column("offered", numeric=False),
        Column("server (µs a request)"),
        Column("server (cores)"),
        Column("memory (MiB)"),
        Column("driver (µs a request)"),
        Column("sent late, p99 (ms)"),
        Column("sent > 1 ms late"),
    )
    rows = tuple(
        (
            Entry(line.contestant),
            Entry(words.rate(line)),
            Entry(_whole(line.cpu_us), line.cpu_us),
            Entry(numbers.decimal(line.cores), line.cores),
            Entry(numbers.mebibytes(line.peak_rss_bytes), line.peak_rss_bytes),
            Entry(_whole(line.driver_cpu_us), line.driver_cpu_us),
            Entry(in_ms(line.sent_late_ms.get("99")), line.sent_late_ms.get("99")),
            Entry(f"{line.late:,}", line.late),
        )
        for line in lines
    )
    return Table(
        "resources",
        "Processor time and memory while the load lasted; in process, that of the driver is both",
        columns,
        rows,
    )


def saturation_table(summary: ServingSummary) -> Table | None:
    """What loads from the capacity on did, and how long it took to come back."""
    lines = [line for line in summary.lines if line.recovery_s is not None and line.requests]
    if not lines:
        return None
    columns = (
        Column("contestant", numeric=False),
        Column("offered", numeric=False),
        Column("answered (%)"),
        Column("429 (%)"),
        Column("timed out (%)"),
        Column("p50 of answers (ms)"),
        Column("p99 of answers (ms)"),
        Column("p50 of 429 (ms)"),
        Column("recovered after (s)"),
    )
    rows = tuple(
        (
            Entry(line.contestant),
            Entry(words.rate(line)),
            *(
                Entry(f"{100 * number / line.requests:.1f}", number)
                for number in (line.answered, line.refused, line.timeouts)
            ),
            Entry(in_ms(line.answered_ms.get("50")), line.answered_ms.get("50")),
            Entry(in_ms(line.answered_ms.get("99")), line.answered_ms.get("99")),
            Entry(in_ms(line.refused_ms.get("50")), line.refused_ms.get("50")),
            Entry(words.seconds(line.recovery_s), line.recovery_s),
        )
        for line in lines
    )
    return Table(
        "saturation",
        "Loads from the capacity on: what became of the requests, and the time from the load's end "
        "until they were answered as before",
        columns,
        rows,
    )


def _whole(value: float | None) -> str:
    return numbers.NONE if value is None else f"{value:,.0f}"
