"""The tables of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neuralake.report import numbers
from neuralake.report.tables import Column, Entry, Table, text_columns
from neuralake.results.records import Run, Sample
from neuralake.results.summary import LEAST_RUNS_TO_TELL, Cell, Summary


def star(summary: Summary) -> str:
    """What a star says, or why there is none; nothing where there is one engine."""
    if len(summary.engines) < 2:
        return ""
    runs = [cell.runs for cell in summary.cells.values() if cell.latency_s is not None]
    if runs and max(runs) < LEAST_RUNS_TO_TELL:
        few = numbers.count(max(runs), "hot run tells", "hot runs tell")
        return f"no engine is marked as the fastest: {few} too little of the noise"
    return "* faster than every other engine, beyond the noise of the runs"


def engines_table(summary: Summary) -> Table:
    """One row an engine: what its latencies add up to, answers, memory, start."""
    totals = [e.total_s for e in summary.by_engine.values() if e.total_s is not None]
    least = min(totals, default=None)
    fastest = summary.fastest_in_total()
    columns = ("total (ms)", "÷ least", "geometric mean (ms)", "verified", "peak memory (MiB)")
    rows = []
    for name, engine in summary.by_engine.items():
        ratio = engine.total_s / least if engine.total_s is not None and least else None
        right = engine.verified == engine.queries
        rows.append(
            (
                Entry(name),
                Entry(
                    numbers.in_ms(engine.total_s),
                    engine.total_s,
                    mark="best" if name == fastest else "",
                ),
                Entry(numbers.times(ratio), ratio),
                Entry(numbers.in_ms(engine.geometric_mean_s), engine.geometric_mean_s),
                Entry(
                    f"{engine.verified}/{engine.queries}",
                    engine.verified,
                    mark="" if right else "failed",
                ),
                Entry(numbers.mebibytes(engine.peak_rss_bytes), engine.peak_rss_bytes),
                Entry(numbers.in_ms(engine.start_s), engine.start_s),
                Entry(numbers.in_ms(engine.open_s), engine.open_s),
            )
        )
    labels = (*columns, "start (ms)", "open (ms)")
    over = f"{len(summary.compared)} of {len(summary.queries)} queries"
    return Table(
        "engines",
        f"Engines; totals over {over}",
        (Column("engine", numeric=False), *map(Column, labels)),
        tuple(rows),
    )


def latency_table(run: Run, summary: Summary) -> Table:
    """Median and interval of each query on each engine, hot and cold, and what they add up to."""
    labels = [(e, f"{e} cold") if summary.has_cold else (e,) for e in summary.engines]
    width = 2 if summary.has_cold else 1
    rows = []
    for query in summary.queries:
        fastest, entries = summary.fastest(query), []
        for engine in summary.engines:
            cell = summary.cells[query, engine]
            entries.append(_latency(cell, engine == fastest))
            if summary.has_cold:
                cold = cell.cold_s
                entries.append(_measured(cold.median if cold else None, numbers.interval(cold)))
        rows.append((Entry(query), *entries))
    totals = [(e.total_s, e.cold_total_s) for e in summary.by_engine.values()]
    means = [(e.geometric_mean_s, e.cold_geometric_mean_s) for e in summary.by_engine.values()]
    foot = tuple(
        (Entry(label), *(Entry(numbers.in_ms(time)) for pair in pairs for time in pair[:width]))
        for label, pairs in (("total", totals), ("geometric mean", means))
    )
    caption = f"Median of {numbers.count(run.header.runs, 'hot run')}"
    if summary.has_cold:
        caption += f" and of {numbers.count(run.header.cold_runs, 'cold run')}"
    caption += ", and its interval, ms"
    return Table(
        "latencies",
        "; ".join(filter(None, (caption, star(summary)))),
        (Column("query", numeric=False), *(Column(label) for pair in labels for label in pair)),
        tuple(rows),
        foot,
    )


def cold_table(summary: Summary) -> Table:
    """First, cold and hot latency of each query and engine, and what was read."""
    columns = (
        *("first (ms)", "cold (ms)", "hot (ms)", "cold ÷ hot", "first ÷ hot"),
        *("read cold (MiB)", "read hot (MiB)", "stayed cached (MiB)"),
    )
    rows = []
    for query, engine, cell in _cells(summary):
        hot, cold = cell.latency_s, cell.cold_s
        factors = [
            early / hot.median if hot is not None and early is not None else None
            for early in (cold.median if cold else None, cell.first_s)
        ]
        rows.append(
            (
                Entry(query),
                Entry(engine),
                Entry(numbers.in_ms(cell.first_s), cell.first_s),
                _measured(cold.median if cold else None, numbers.interval(cold)),
                _latency(cell, fastest=False, small=False),
                *(Entry(numbers.times(factor), factor) for factor in factors),
                *(
                    Entry(numbers.mebibytes(size), size)
                    for size in (cell.cold_bytes_read, cell.bytes_read, cell.cached_bytes)
                ),
            )
        )
    return Table(
        "cold-numbers", "Cold and first runs against hot ones", _long(columns), tuple(rows)
    )


def resources_table(summary: Summary) -> Table:
    """Memory and processor of each query and engine."""
    columns = ["peak memory (MiB)", "CPU time (ms)", "elapsed (ms)", "cores used", "read (MiB)"]
    caption = "Memory of any execution; processor and bytes read of the hot runs"
    spilled = any(cell.bytes_written for _, _, cell in _cells(summary))
    if spilled:
        columns.append("written (MiB)")
        caption += "; most bytes that an execution wrote to disk, such as to spill"
    counted = any(cell.instructions is not None for _, _, cell in _cells(summary))
    if counted:
        columns.append("instructions (M)")
    rows = [
        (
            Entry(query),
            Entry(engine),
            Entry(numbers.mebibytes(cell.peak_rss_bytes), cell.peak_rss_bytes),
            Entry(numbers.in_ms(cell.cpu_s), cell.cpu_s),
            _latency(cell, fastest=False, small=False),
            Entry(numbers.decimal(cell.cores_used), cell.cores_used),
            Entry(numbers.mebibytes(cell.bytes_read), cell.bytes_read),
            *([Entry(numbers.mebibytes(cell.bytes_written), cell.bytes_written)] * spilled),
            *([Entry(numbers.millions(cell.instructions), cell.instructions)] * counted),
        )
        for query, engine, cell in _cells(summary)
    ]
    return Table("resources", caption, _long(columns), tuple(rows))


def verification_table(run: Run) -> Table:
    """What was verified against what: one row for each engine, verdict and reference."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for result in run.verifications:
        key = (result.engine, result.verdict, result.against or numbers.NONE)
        grouped.setdefault(key, []).append(result.query)
    rows = tuple(
        (
            Entry(engine),
            Entry(verdict, mark="" if verdict in ("verified", "unverified") else "failed"),
            Entry(str(len(queries)), len(queries)),
            Entry(against),
            Entry(", ".join(queries)),
        )
        for (engine, verdict, against), queries in grouped.items()
    )
    columns = (
        *(*text_columns("engine", "verdict"), Column("answers")),
        *text_columns("compared with", "queries"),
    )
    return Table("verdicts", "What was verified against what", columns, rows)


def answers_table(run: Run) -> Table:
    """Every answer: verdict, rows and digest."""
    answered: dict[tuple[str, str | None], Sample] = {}
    for sample in run.samples:
        if sample.digest is not None:
            answered.setdefault((sample.engine, sample.query), sample)
    rows = []
    for result in run.verifications:
        answer = answered.get((result.engine, result.query))
        known = answer.rows if answer else None
        rows.append(
            (
                Entry(result.query),
                Entry(result.engine),
                Entry(result.verdict, mark="failed" if result.verdict in _BAD else ""),
                Entry(numbers.NONE if known is None else f"{known:,}", known),
                Entry((answer.digest if answer else None) or numbers.NONE),
            )
        )
    columns = (
        *text_columns("query", "engine", "verdict"),
        *(Column("rows"), *text_columns("digest")),
    )
    return Table("answers", "Every answer", columns, tuple(rows))


_BAD = ("wrong", "failed")


def _cells(summary: Summary) -> Iterator[tuple[str, str, Cell]]:
    for query in summary.queries:
        for engine in summary.engines:
            yield query, engine, summary.cells[query, engine]


def _long(columns: Sequence[str]) -> tuple[Column, ...]:
    return (*text_columns("query", "engine"), *map(Column, columns))


def _latency(cell: Cell, fastest: bool, small: bool = True) -> Entry:
    if cell.latency_s is None:
        return Entry(cell.status, mark="failed")
    entry = _measured(cell.latency_s.median, numbers.interval(cell.latency_s) if small else "")
    return Entry(entry.text, entry.value, entry.small, "best" if fastest else "")


def _measured(value: float | None, small: str) -> Entry:
    return Entry(numbers.in_ms(value), value, "" if value is None else small)
