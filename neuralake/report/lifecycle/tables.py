"""The tables of a run of lifecycle."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.lifecycle import words
from neuralake.report.tables import Column, Entry, Table
from neuralake.results.lifecycle.degradation import Series
from neuralake.results.lifecycle.interference import Interference
from neuralake.results.lifecycle.maintenance import Maintenance
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary
from neuralake.stats.percentiles import LEAST_BEYOND
from neuralake.stats.summary import Interval

_ENGINE = Column("engine", numeric=False)


def degradation_table(summary: LifecycleSummary) -> Table | None:
    """One row an engine and series of more than one phase."""
    rows = tuple(_series_row(s) for s in summary.series if len(s.phases) > 1)
    if not rows:
        return None
    columns = (
        _ENGINE,
        Column("series", numeric=False),
        Column("phases"),
        Column("first (s)"),
        Column("last (s)"),
        Column("S_DR a phase", small="interval"),
        Column("repetitions"),
    )
    caption = (
        "Degradation rate S_DR (LST-Bench): the mean relative change of the seconds of all queries "
        "from one phase of a series to the next; the median over repetitions, with its interval"
    )
    return Table("degradation", caption, columns, rows)


def _series_row(series: Series) -> tuple[Entry, ...]:
    found = series.degradation
    first, last = series.total_s[0], series.total_s[-1]
    return (
        Entry(series.engine),
        Entry(series.name),
        Entry(f"{len(series.phases):,}", len(series.phases)),
        Entry(numbers.decimal(first), first),
        Entry(numbers.decimal(last), last),
        Entry(
            words.rate(found),
            None if found is None else found.median,
            words.rate_ends(found, len(series.rates)),
            mark="failed" if found is None else "",
        ),
        Entry(f"{len(series.rates):,}", len(series.rates)),
    )


def phases_table(summary: LifecycleSummary) -> Table | None:
    """One row a phase of an engine: how long it took, and what it left."""
    rows = tuple(
        (
            Entry(size.engine),
            Entry(size.phase),
            Entry(numbers.decimal(size.elapsed_s), size.elapsed_s),
            Entry(numbers.decimal(size.queries_s), size.queries_s),
            Entry(numbers.decimal(size.opening_s), size.opening_s),
            Entry(f"{size.live_files:,.0f}", size.live_files),
            Entry(numbers.mebibytes(size.live_bytes), size.live_bytes),
            Entry(numbers.mebibytes(size.stored_bytes), size.stored_bytes),
            Entry(f"{size.log_bytes / 2**10:,.0f}", size.log_bytes),
        )
        for size in summary.sizes
    )
    if not rows:
        return None
    columns = (
        _ENGINE,
        Column("phase", numeric=False),
        Column("elapsed (s)"),
        Column("queries (s)"),
        Column("opening (s)"),
        Column("files"),
        Column("data (MiB)"),
        Column("stored (MiB)"),
        Column("log (KiB)"),
    )
    caption = (
        "Phases, medians over repetitions: elapsed time, seconds of all queries, those of them in "
        "which the tables were opened, and the tables of the plan together afterwards: files and "
        "bytes of the newest versions, bytes of all data files that are stored, and of the logs"
    )
    return Table("phases", caption, columns, rows)


def interference_table(summary: LifecycleSummary) -> Table | None:
    """One row an engine and series that is compared with one alone."""
    rows = tuple(map(_interference_row, summary.interference))
    if not rows:
        return None
    columns = (
        _ENGINE,
        Column("queries", numeric=False),
        Column("alone", numeric=False),
        Column("typical", small="interval"),
        Column("percentile", numeric=False),
        Column("beside ÷ alone"),
        Column("samples beside"),
        Column("samples alone"),
    )
    caption = (
        "Interference: latencies while another session was at something ÷ alone, each first "
        "divided by the median of the same query alone. Typical is the median over repetitions; "
        f"the percentile is the highest that has {LEAST_BEYOND} samples beyond it on both sides"
    )
    return Table("interference", caption, columns, rows)


def _interference_row(found: Interference) -> tuple[Entry, ...]:
    return (
        Entry(found.engine),
        Entry(found.series),
        Entry(found.alone),
        _ratio(found.typical),
        Entry("too few samples" if found.level is None else f"p{found.level}"),
        Entry(numbers.times(found.ratio), found.ratio),
        Entry(f"{found.samples:,}", found.samples),
        Entry(f"{found.alone_samples:,}", found.alone_samples),
    )


def maintenance_table(summary: LifecycleSummary) -> Table | None:
    """One row a phase of maintenance of an engine."""
    rows = tuple(map(_maintenance_row, summary.maintenance))
    if not rows:
        return None
    columns = (
        _ENGINE,
        Column("maintenance", numeric=False),
        Column("queries before (s)"),
        Column("after (s)"),
        Column("before ÷ after"),
        Column("cost (s)"),
        Column("pays after"),
    )
    caption = (
        "What maintenance is worth: seconds of the queries before it ÷ after it, what it cost, "
        "and how often the queries must be asked until it has paid"
    )
    return Table("maintenance", caption, columns, rows)


def _maintenance_row(found: Maintenance) -> tuple[Entry, ...]:
    pays = "never" if found.pays_after is None else f"{found.pays_after:,.1f} times"
    return (
        Entry(found.engine),
        Entry(found.phase),
        Entry(numbers.decimal(found.before_s), found.before_s),
        Entry(numbers.decimal(found.after_s), found.after_s),
        _ratio(found.value),
        Entry(numbers.decimal(found.cost_s), found.cost_s),
        Entry(pays, found.pays_after),
    )


def _ratio(interval: Interval | None) -> Entry:
    if interval is None:
        return Entry(numbers.NONE)
    ends = f"{numbers.times(interval.low)} – {numbers.times(interval.high)}"
    return Entry(
        numbers.times(interval.median), interval.median, ends if interval.confidence > 0 else ""
    )


def writing_table(summary: LifecycleSummary) -> Table | None:
    """One row an engine, kind of change and table."""
    rows = tuple(
        (
            Entry(found.engine),
            Entry(words.TASKS.get(found.kind, found.kind)),
            Entry(found.table),
            Entry(f"{found.changes:,}", found.changes),
            Entry(numbers.in_ms(found.latency_s), found.latency_s),
            Entry(numbers.mebibytes(found.rows_bytes), found.rows_bytes),
            Entry(numbers.mebibytes(found.written_bytes), found.written_bytes),
            Entry(numbers.times(found.amplification), found.amplification),
            Entry(f"{found.conflicts:,}", found.conflicts),
        )
        for found in summary.writing
    )
    if not rows:
        return None
    columns = (
        _ENGINE,
        Column("change", numeric=False),
        Column("table", numeric=False),
        Column("changes"),
        Column("median (ms)"),
        Column("rows (MiB)"),
        Column("written (MiB)"),
        Column("amplification"),
        Column("conflicts"),
    )
    caption = (
        "Changes: the median latency of one; the rows that were added, changed or deleted, as "
        "Parquet; bytes of the files that were written for them; and the one ÷ the other"
    )
    return Table("writing", caption, columns, rows)


def supports_table(run: LifecycleRun, summary: LifecycleSummary) -> Table:
    """One row a kind of task, one column an engine: how it does it, or that it cannot."""
    engines = [request.name for request in run.header.engines]
    by = {(found.engine, found.kind): found for found in summary.supports}
    rows = []
    for kind in run.header.kinds:
        row = [Entry(words.TASKS.get(kind, kind))]
        for engine in engines:
            found = by[engine, kind]
            is_ok = found.state == "ok"
            text = found.path or "yes" if is_ok else found.state
            if found.right and not is_ok:
                text += f", {found.right} of {found.tried} right"
            row.append(Entry(text, mark="" if is_ok else "failed"))
        rows.append(tuple(row))
    columns = (Column("task", numeric=False), *(Column(e, numeric=False) for e in engines))
    caption = "What each engine does, by which way; unsupported: it has none"
    return Table("supports", caption, columns, tuple(rows))
