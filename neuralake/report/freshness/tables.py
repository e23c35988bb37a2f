"""The tables of a run of freshness."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report import numbers
from neuralake.report.freshness import words
from neuralake.report.latency import in_ms, spread
from neuralake.report.tables import Column, Entry, Table
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.freshness.samples import (
    ANSWER_AGE,
    DURABLE,
    QUERY_FRESHNESS,
    TABLE_LEAST,
    TABLE_MOST,
    VISIBLE_LEAST,
    VISIBLE_MOST,
)
from neuralake.results.freshness.stages import STAGES, Stage
from neuralake.results.freshness.summary import FreshnessSummary, Line
from neuralake.stats.percentiles import LEAST_BEYOND

_LEVELS = ("50", "95", "99")
_WHERE_FEW = ("50", "75", "90")
_STEADY = ("99", "90", "50")
_NAMED = (
    Column("reader", numeric=False),
    Column("compaction", numeric=False),
    Column("offered (rows/s)"),
)


def visibility_table(run: FreshnessRun, summary: FreshnessSummary) -> Table:
    """One row a case: how long a record took to be durable, in the table, and seen."""
    told = [line.measures_ms[VISIBLE_MOST] for line in summary.lines if line.measures_ms]
    levels = _LEVELS[::2] if any("99" in found for found in told) else _WHERE_FEW[::2]
    columns = (
        *_NAMED,
        *(
            Column(f"{what} p{level} (ms)")
            for what in ("durable", "table", "visible")
            for level in levels
        ),
        Column("longest (ms)"),
        Column("records"),
        Column("verified"),
    )
    rows = tuple(_visibility_row(run, line, levels) for line in summary.lines)
    caption = (
        "From the moment at which a record was due until it was durable, its version was in the "
        "log, and an answer held it: the last answer without and the first with it"
    )
    return Table("visibility", caption, columns, rows)


def answers_table(summary: FreshnessSummary) -> Table | None:
    """One row a case: how old answers were, and what queries took beside the records and alone."""
    lines = [line for line in summary.lines if line.status == "ok"]
    if not lines:
        return None
    level = _common_level(lines)
    columns = (
        *_NAMED,
        Column("f(q) p50 (ms)"),
        Column("f(q) p95 (ms)"),
        Column("age p50 (ms)"),
        Column("age p95 (ms)"),
        Column(f"query p{level} beside (ms)"),
        Column(f"query p{level} alone (ms)"),
        Column("beside ÷ alone"),
        Column("answers apart (ms)"),
        Column("polls"),
        Column("failed"),
    )
    rows = tuple(_answers_row(line, level) for line in lines)
    caption = (
        "f(q): how long before a query's start the first record was committed that its answer "
        "lacks (HATtrick); age: how long before an answer arrived that record was due. "
        f"Percentiles where at least {LEAST_BEYOND} samples lie beyond"
    )
    return Table("answers", caption, columns, rows)


def frontier_table(summary: FreshnessSummary) -> Table | None:
    """Up to which rate visibility holds."""
    if not any(line.sustained_ms is not None for line in summary.lines):
        return None
    columns = (
        *_NAMED[:2],
        Column("bound on p99 (ms)"),
        Column("sustained (rows/s)"),
        Column("not any more at (rows/s)"),
    )
    rows = tuple(
        (
            Entry(frontier.reader),
            Entry("on" if frontier.is_compacted else "off"),
            Entry(in_ms(frontier.bound_ms), frontier.bound_ms),
            Entry(numbers.per_second(frontier.rate) if frontier.rate else "none", frontier.rate),
            Entry(numbers.per_second(frontier.beyond), frontier.beyond),
        )
        for frontier in summary.frontiers
    )
    caption = "Throughput frontier: the greatest offered rate at which p99 of visibility holds"
    return Table("frontier", caption, columns, rows)


def flat_table(summary: FreshnessSummary) -> Table | None:
    """Whether visibility stays as it is, by the highest percentile that all slices have."""
    lines = [line for line in summary.lines if line.flatness]
    level = next((v for v in _STEADY if all(v in x.flatness for x in lines)), None)
    if not lines or level is None:
        return None
    columns = (
        *_NAMED,
        Column("slices"),
        Column(f"second p{level} (ms)"),
        Column(f"last p{level} (ms)"),
        Column("last ÷ second"),
    )
    rows = tuple(
        (
            *_named(line),
            Entry(f"{len(line.slices_ms)} of {line.slice_s:.3g} s", len(line.slices_ms)),
            Entry(in_ms(line.slices_ms[1][level]), line.slices_ms[1][level]),
            Entry(in_ms(line.slices_ms[-1][level]), line.slices_ms[-1][level]),
            Entry(numbers.times(line.flatness[level]), line.flatness[level]),
        )
        for line in lines
    )
    return Table("flat", "Visibility in the second and in the last slice of a round", columns, rows)


def processes_table(summary: FreshnessSummary) -> Table | None:
    """Who used the processors."""
    lines = [line for line in summary.lines if line.cores]
    if not lines:
        return None
    columns = (
        *_NAMED,
        Column("process", numeric=False),
        Column("processors"),
        Column("waiting for one"),
        Column("peak memory (MiB)"),
    )
    rows = []
    for line in lines:
        for process, cores in line.cores.items():
            size = line.peak_rss_bytes.get(process)
            memory = Entry(numbers.mebibytes(size), size)
            busy = [_decimal(cores), _decimal(line.delayed.get(process))]
            rows.append((*_named(line), Entry(process), *busy, memory))
        busy = [_decimal(sum(line.cores.values())), _decimal(sum(line.delayed.values()) or None)]
        rows.append((*_named(line), Entry("all together"), *busy, Entry("")))
    caption = (
        "Processors that each process kept busy on average, how many of its threads waited for "
        "one, and its peak memory"
    )
    return Table("processes", caption, columns, tuple(rows))


def stages_table(summary: FreshnessSummary) -> Table | None:
    """Where the time into the table goes, and what makes the latest late."""
    lines = [line for line in summary.lines if line.stages]
    if not lines:
        return None
    columns = (
        *_NAMED,
        Column("stage", numeric=False),
        Column("p50 (ms)"),
        Column("p99 (ms)"),
        Column("mean (ms)"),
        Column("mean beyond p99 (ms)"),
        Column("of the lateness"),
    )
    rows = []
    for line in lines:
        late = sum(_lateness(line.stages[name]) for name in STAGES)
        for name, stage in line.stages.items():
            share = _lateness(stage) / late if late > 0 else None
            cells = (*map(stage.percentiles_ms.get, ("50", "99")), stage.mean_ms, stage.late_ms)
            rows.append(
                (
                    *_named(line),
                    Entry(words.STAGES[name]),
                    *(Entry(in_ms(value), value) for value in cells),
                    Entry(numbers.NONE if share is None else f"{share:.0%}", share),
                )
            )
    caption = (
        "From the moment at which a record was due until the append of it had returned; the last "
        "column says by how much of the difference the latest took longer there than the mean"
    )
    return Table("stages", caption, columns, tuple(rows))


def _lateness(stage: Stage) -> float:
    return 0.0 if stage.late_ms is None else stage.late_ms - stage.mean_ms


def tables_table(run: FreshnessRun) -> Table:
    """Every table: who read it, and what it held."""
    columns = (
        Column("reader", numeric=False),
        Column("round"),
        Column("verdict", numeric=False),
        Column("read by", numeric=False),
        Column("records"),
        Column("versions"),
        Column("compactions"),
        Column("data files"),
    )
    compactions = {found.key: found.compactions for found in run.rounds}
    rows = tuple(
        (
            Entry(words.name(v.key.case)),
            Entry(str(v.key.round), v.key.round),
            Entry(v.verdict, mark="" if v.verdict == "verified" else "failed"),
            Entry(v.against or numbers.NONE),
            *(
                Entry(numbers.NONE if number is None else f"{number:,}", number)
                for number in (v.records, v.version, compactions.get(v.key), v.files)
            ),
        )
        for v in run.verifications
    )
    return Table("tables", "Every table, as another engine read it at its end", columns, rows)


def _decimal(number: float | None) -> Entry:
    return Entry(numbers.NONE if number is None else numbers.decimal(number), number)


def _visibility_row(run: FreshnessRun, line: Line, levels: Sequence[str]) -> tuple[Entry, ...]:
    if line.status != "ok":
        failed = Entry(line.status, mark="failed")
        return (*_named(line), failed, *(Entry(""),) * 7, _verified(run, line))
    found = line.measures_ms
    cells = [Entry(in_ms(found[DURABLE].get(v)), found[DURABLE].get(v)) for v in levels]
    for least, most in ((TABLE_LEAST, TABLE_MOST), (VISIBLE_LEAST, VISIBLE_MOST)):
        cells += [
            Entry(
                words.between(found[least], found[most], level),
                found[most].get(level),
                spread(line.by_round_ms.get(level, ())) if most == VISIBLE_MOST else "",
            )
            for level in levels
        ]
    longest = line.longest_ms.get(VISIBLE_MOST)
    return (
        *_named(line),
        *cells,
        Entry(in_ms(longest), longest),
        Entry(f"{line.records:,}", line.records),
        _verified(run, line),
    )


def _answers_row(line: Line, level: str) -> tuple[Entry, ...]:
    found = line.measures_ms
    of = [found.get(QUERY_FRESHNESS, {}), found.get(ANSWER_AGE, {})]
    beside, alone = line.beside_ms.get(level), line.alone_ms.get(level)
    ratio = line.interference.get(level)
    return (
        *_named(line),
        *(Entry(in_ms(own.get(v)), own.get(v)) for own in of for v in ("50", "95")),
        Entry(in_ms(beside), beside),
        Entry(in_ms(alone), alone),
        Entry(numbers.times(ratio), ratio),
        Entry(in_ms(line.apart_ms), line.apart_ms),
        Entry(f"{line.polls:,}", line.polls),
        Entry(f"{line.failed_polls:,}", line.failed_polls),
    )


def _common_level(lines: list[Line]) -> str:
    """The highest percentile that there is of all lines, beside and alone."""
    for level in reversed((*_WHERE_FEW, *_LEVELS[1:])):
        if all(level in line.beside_ms for line in lines) and all(
            level in line.alone_ms for line in lines if line.alone_ms
        ):
            return level
    return "50"


def _named(line: Line) -> tuple[Entry, Entry, Entry]:
    case = line.case
    return (
        Entry(case.reader),
        Entry("on" if case.is_compacted else "off"),
        Entry(numbers.per_second(case.rate), case.rate),
    )


def _verified(run: FreshnessRun, line: Line) -> Entry:
    """Tables found right, of how many."""
    own = [v for v in run.verifications if v.key.case == line.case]
    if not own:
        return Entry(numbers.NONE)
    right = sum(v.verdict == "verified" for v in own)
    return Entry(f"{right}/{len(own)}", right, mark="" if right == len(own) else "failed")
