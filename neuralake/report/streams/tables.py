"""The tables of a run of streams."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.streams import words
from neuralake.report.tables import Column, Entry, Table
from neuralake.results.phases.records import EndCheck
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import Line, StreamsSummary


def metrics_table(run: StreamsRun, summary: StreamsSummary) -> Table:
    """One row an engine and number of streams."""
    columns = (
        Column("engine", numeric=False),
        Column("streams"),
        Column("streams are", numeric=False),
        Column("power"),
        Column("throughput"),
        Column("composite"),
        Column("elapsed (s)"),
    )
    rows = tuple(_metrics_row(run, line) for line in summary.lines)
    rounds = f", medians of {run.header.rounds} rounds" if run.header.rounds > 1 else ""
    return Table(
        "metrics",
        f"Queries an hour at SF {run.header.scale_factor:g}{rounds}; {words.DERIVED}",
        columns,
        rows,
    )


def _metrics_row(run: StreamsRun, line: Line) -> tuple[Entry, ...]:
    mapping = Entry(words.mapping(run.header.mapping.get(line.engine, "")))
    first = (Entry(line.engine), Entry(f"{line.streams}", line.streams), mapping)
    powers = [power for power, _ in line.by_round if power is not None]
    throughputs = [value for _, value in line.by_round if value is not None]
    return (
        *first,
        _metric(line.power, powers),
        _metric(line.throughput, throughputs),
        _metric(line.composite, []),
        Entry(numbers.decimal(line.elapsed_s), line.elapsed_s),
    )


def _metric(value: float | None, by_round: list[float]) -> Entry:
    if value is None:
        return Entry("none", mark="failed")
    ends = (numbers.per_second(end) for end in (min(by_round), max(by_round))) if by_round else ()
    small = " – ".join(ends) if len(by_round) > 1 else ""
    return Entry(numbers.per_second(value), value, small)


def phases_table(run: StreamsRun, summary: StreamsSummary) -> Table:
    """One row a phase: what ran, what was checked, and what it used."""
    columns = (
        Column("phase", numeric=False),
        Column("elapsed (s)"),
        Column("queries"),
        Column("verified"),
        Column("refreshes"),
        Column("conflicts"),
        Column("tables", numeric=False),
        Column("cores"),
        Column("memory (MiB)"),
    )
    rows = []
    for key, found in summary.measured.items():
        queries = [sample for sample in found.samples if sample.kind == "query"]
        writes = [sample for sample in found.samples if sample.kind != "query"]
        checks = found.phase.answers
        verified = sum(check.verdict == "verified" for check in checks)
        right = sum(sample.status == "ok" for sample in writes)
        elapsed_s = found.elapsed_s if found.phase.status == "ok" else None
        rows.append(
            (
                Entry(words.where(key, run.header.rounds), mark="failed" if found.fault else ""),
                Entry(numbers.decimal(elapsed_s), elapsed_s),
                Entry(f"{sum(s.status == 'ok' for s in queries):,}", len(queries)),
                Entry(f"{verified:,}", verified, mark="" if verified == len(queries) else "failed"),
                Entry(f"{right:,}", right, mark="" if right == len(writes) else "failed"),
                Entry(f"{found.conflicts:,}", found.conflicts),
                _end(found.phase.end),
                Entry(numbers.decimal(found.cores), found.cores),
                Entry(numbers.mebibytes(found.phase.peak_rss_bytes), found.phase.peak_rss_bytes),
            )
        )
    return Table(
        "phases",
        "Phases: queries that went right, of them those that another engine answered alike at the "
        "same versions; changes of tables that went right; checks of the tables at the end",
        columns,
        tuple(rows),
    )


def _end(checks: tuple[EndCheck, ...]) -> Entry:
    if not checks:
        return Entry(numbers.NONE)
    right = sum(check.is_right is True for check in checks)
    return Entry(f"{right} of {len(checks)} right", mark="" if right == len(checks) else "failed")


def latency_table(run: StreamsRun, summary: StreamsSummary) -> Table | None:
    """One row a query and refresh function: alone, and in the last throughput run."""
    streams = max(run.header.streams)
    engines = list(dict.fromkeys(found.engine for found in summary.latencies))
    by = {(found.engine, found.name): found for found in summary.latencies}
    names = list(dict.fromkeys(found.name for found in summary.latencies))
    if not names:
        return None
    columns = (
        Column("query", numeric=False),
        *(
            column
            for engine in engines
            for column in (
                Column(f"{engine} alone (ms)"),
                Column(f"{engine} of {numbers.count(streams, 'stream')} (ms)"),
                Column("ratio"),
            )
        ),
    )
    rows = []
    for name in names:
        row = [Entry(name)]
        for engine in engines:
            found = by.get((engine, name))
            alone_s = None if found is None else found.alone_s
            beside_s = None if found is None else found.beside_s.get(streams)
            times = beside_s / alone_s if alone_s and beside_s else None
            row.append(Entry(numbers.in_ms(alone_s), alone_s))
            row.append(Entry(numbers.in_ms(beside_s), beside_s))
            row.append(Entry(numbers.times(times), times))
        rows.append(tuple(row))
    return Table(
        "latencies",
        "Elapsed time of each query and refresh function: alone in the power run, and the median "
        "of the streams at once; parameters differ from stream to stream",
        columns,
        tuple(rows),
    )
