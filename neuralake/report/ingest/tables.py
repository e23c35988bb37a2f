"""The tables of a run of ingest."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.ingest import words
from neuralake.report.latency import in_ms, levels_shown, spread
from neuralake.report.tables import Column, Entry, Table
from neuralake.results.ingest.records import DISK, IngestRun
from neuralake.results.ingest.summary import STEPS, IngestSummary, Line
from neuralake.stats.percentiles import LEAST_BEYOND

_RATIOS = ("50", "99")
_LEAST_AT_AN_END = 20  # of fewer, medians say little


def latency_table(run: IngestRun, summary: IngestSummary) -> Table:
    """One row a case and rate: percentiles, ratios to the limit, and rates."""
    lines = summary.lines
    levels = levels_shown([line.percentiles_ms for line in lines])
    ratios = [level for level in _RATIOS if any(level in line.to_limit for line in lines)]
    is_open = run.header.load.arrivals != "closed"
    columns = [
        Column("contestant", numeric=False),
        *([Column("offered (rows/s)")] if is_open else []),
        Column("rows/s"),
        *(Column(f"p{level} (ms)") for level in levels),
        *(Column(f"p{level} ÷ {DISK}") for level in ratios),
        Column("slowest (ms)"),
        Column("commits"),
        *([Column("late")] if is_open else []),
        Column("verified"),
    ]
    rows = tuple(_row(run, line, levels, ratios, is_open=is_open) for line in lines)
    since = "the moment that a batch was due" if is_open else "its append's beginning"
    caption = (
        f"Latency from {since} until the batch was durable; "
        f"percentiles where at least {LEAST_BEYOND} samples lie beyond"
    )
    return Table("latency", caption, tuple(columns), rows)


def drift_table(summary: IngestSummary) -> Table | None:
    """Whether commits grow slower: medians of the first and of the last of the longest round."""
    told = (line for line in summary.lines if line.drift is not None)
    lines = [line for line in told if line.drift_ends >= _LEAST_AT_AN_END]
    if not lines:
        return None
    with_rate = any(line.rate is not None for line in lines)
    columns = (
        Column("contestant", numeric=False),
        Column("first (ms)"),
        Column("last (ms)"),
        Column("last ÷ first"),
        Column("commits at an end"),
        Column("commits of the round"),
        Column("reader opens it (ms)"),
    )
    rows = tuple(
        (
            Entry(words.label(line, with_rate=with_rate)),
            Entry(in_ms(line.first_ms), line.first_ms),
            Entry(in_ms(line.last_ms), line.last_ms),
            Entry(
                numbers.times(line.drift.ratio),
                line.drift.ratio,
                "" if line.drift.low is None else numbers.ends(line.drift),
            ),
            Entry(f"{line.drift_ends:,}", line.drift_ends),
            Entry(f"{longest:,}", longest),
            Entry(in_ms(line.open_ms), line.open_ms),
        )
        for line in lines
        if line.drift is not None
        for longest in [max(s.latency_ms.size for s in summary.samples_of(line))]
    )
    return Table("drift", "Median latency of the first and of the last commits", columns, rows)


def steps_table(summary: IngestSummary) -> Table | None:
    """The steps of a commit, of contestants that tell them."""
    lines = [line for line in summary.lines if line.steps_ms]
    if not lines:
        return None
    with_rate = any(line.rate is not None for line in lines)
    columns = (
        Column("contestant", numeric=False),
        *(Column(f"{step} (ms)") for step in STEPS),
        Column("batches a commit"),
        Column("CPU a row (µs)"),
        Column("peak memory (MiB)"),
    )
    rows = tuple(
        (
            Entry(words.label(line, with_rate=with_rate)),
            *(Entry(in_ms(line.steps_ms.get(s)), line.steps_ms.get(s)) for s in STEPS),
            Entry(numbers.decimal(line.appends_a_commit), line.appends_a_commit),
            Entry(numbers.decimal(line.cpu_us_a_row), line.cpu_us_a_row),
            Entry(numbers.mebibytes(line.peak_rss_bytes), line.peak_rss_bytes),
        )
        for line in lines
    )
    return Table("steps", "Median time of each step of an append", columns, rows)


def _row(
    run: IngestRun, line: Line, levels: list[str], ratios: list[str], *, is_open: bool
) -> tuple[Entry, ...]:
    offered = (Entry(numbers.per_second(line.rate), line.rate),) if is_open else ()
    width = len(levels) + len(ratios)
    if line.status != "ok":
        rest = (Entry(""),) * (width + 2 + is_open)
        failed = Entry(line.status, mark="failed")
        return (Entry(line.case.label), *offered, failed, *rest, _verified(run, line))
    mean = sum(line.rows_per_s) / len(line.rows_per_s) if line.rows_per_s else None
    return (
        Entry(line.case.label),
        *offered,
        Entry(numbers.per_second(mean), mean),
        *(
            Entry(
                in_ms(line.percentiles_ms.get(level)),
                line.percentiles_ms.get(level),
                spread(line.by_round_ms.get(level, ())),
            )
            for level in levels
        ),
        *(
            Entry(
                words.ratio(line.to_limit.get(level)),
                found.median if (found := line.to_limit.get(level)) else None,
                words.ratio_ends(line.to_limit.get(level)),
            )
            for level in ratios
        ),
        Entry(in_ms(line.slowest_ms), line.slowest_ms),
        Entry(f"{line.commits:,}", line.commits),
        *((Entry(f"{line.late:,}", line.late),) if is_open else ()),
        _verified(run, line),
    )


def _verified(run: IngestRun, line: Line) -> Entry:
    """Tables found right, of how many."""
    own = [
        v
        for v in run.verifications
        if (v.key.case, v.key.rate, v.key.reader) == (line.case, line.rate, None)
    ]
    if not own:
        return Entry(numbers.NONE)
    right = sum(v.verdict == "verified" for v in own)
    return Entry(f"{right}/{len(own)}", right, mark="" if right == len(own) else "failed")


def tables_table(run: IngestRun) -> Table:
    """Every table: who read it, and what it held."""
    columns = (
        Column("contestant", numeric=False),
        Column("round"),
        Column("verdict", numeric=False),
        Column("read by", numeric=False),
        Column("rows"),
        Column("versions"),
        Column("data files"),
        Column("opened in (ms)"),
    )
    rows = tuple(
        (
            Entry(words.name(v.key.case, v.key.rate)),
            Entry(str(v.key.round), v.key.round),
            Entry(v.verdict, mark="" if v.verdict == "verified" else "failed"),
            Entry(v.against or numbers.NONE),
            *(
                Entry(numbers.NONE if number is None else f"{number:,}", number)
                for number in (v.rows, v.version, v.files)
            ),
            Entry(numbers.milliseconds(v.open_ns), v.open_ns),
        )
        for v in run.verifications
    )
    return Table("tables", "Every table, as it was read at its end", columns, rows)


def freshness_table(summary: IngestSummary) -> Table | None:
    """When readers saw the batches, as intervals."""
    lines = summary.fresh
    if not lines:
        return None
    levels = [v for v in ("50", "90", "99") if any(v in line.most_ms for line in lines)]
    with_rate = len({line.rate for line in lines}) > 1
    columns = (
        Column("contestant", numeric=False),
        Column("reader", numeric=False),
        *(Column(f"p{level} (ms)") for level in levels),
        Column("answers apart (ms)"),
        Column("batches"),
        Column("never seen"),
        Column("polls"),
        Column("failed polls"),
    )
    rows = tuple(
        (
            Entry(words.name(line.case, line.rate if with_rate else None)),
            Entry(line.reader),
            *(
                Entry(line.status, mark="failed")
                if line.status != "ok"
                else Entry(words.between(line, level), line.most_ms.get(level))
                for level in levels
            ),
            Entry(in_ms(line.apart_ms), line.apart_ms),
            *(
                Entry(f"{number:,}", number)
                for number in (line.batches, line.unseen, line.polls, line.failed_polls)
            ),
        )
        for line in lines
    )
    caption = (
        "Freshness: from the moment that a batch was due, between a reader's last answer without "
        "it and its first with it"
    )
    return Table("freshness", caption, columns, rows)
