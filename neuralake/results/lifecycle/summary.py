"""A run of lifecycle in numbers: how latencies, files and bytes change over the phases.

S_DR is LST-Bench's degradation rate (Camacho-Rodríguez et al., "LST-Bench: Benchmarking
Log-Structured Tables in the Cloud", SIGMOD 2024): of a metric M over the phases of a series, the
mean of (M_i - M_{i-1}) / M_{i-1}. A repetition of the plan is one observation of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from neuralake.results.lifecycle.records import LifecycleRun, PhaseEnd
from neuralake.results.lifecycle.samples import lifecycle_samples
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TaskSample
from neuralake.stats.percentiles import LEVELS, percentiles
from neuralake.stats.rounds import paired_ratio
from neuralake.stats.summary import Interval, median_interval


@dataclass(frozen=True)
class Series:
    """Phases of one engine whose latencies are compared with one another.

    Attributes
    ----------
    engine, name
        Whose, and which.
    phases
        Names, in order.
    total_s
        By phase, the seconds of all its queries: the median over repetitions; None where none has
        a number.
    by_repetition_s
        By repetition, the same of each phase.
    degradation
        S_DR over the repetitions that have all phases; None with fewer than two phases, or none
        such.
    rates
        S_DR of each repetition.
    """

    engine: str
    name: str
    phases: tuple[str, ...]
    total_s: tuple[float | None, ...]
    by_repetition_s: tuple[tuple[float | None, ...], ...]
    degradation: Interval | None
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Interference:
    """What queries take beside other sessions, by what they take alone.

    Each latency is divided by the median of the same query alone, so that it does not matter which
    queries happened to run beside something.

    Attributes
    ----------
    engine, series, alone
        Whose, in which series, against which.
    samples, alone_samples
        Queries that ran while another session was at something; and alone.
    level
        The highest percentile that both have ten samples beyond, in percent; None if there is none.
    ratio
        That percentile beside ÷ alone; None without one.
    typical
        Over repetitions, the median beside ÷ alone.
    """

    engine: str
    series: str
    alone: str
    samples: int
    alone_samples: int
    level: str | None
    ratio: float | None
    typical: Interval | None


@dataclass(frozen=True)
class Maintenance:
    """What a phase of maintenance was worth.

    Attributes
    ----------
    engine, phase
        Whose, and which.
    before, after
        The phases with queries around it.
    before_s, after_s
        Seconds of their queries, medians over repetitions.
    cost_s
        Elapsed seconds of the maintenance, the median.
    value
        Seconds before ÷ after.
    pays_after
        How often the queries must be asked until the maintenance has paid; None if it never does.
    """

    engine: str
    phase: str
    before: str
    after: str
    before_s: float
    after_s: float
    cost_s: float
    value: Interval
    pays_after: float | None


@dataclass(frozen=True)
class Size:
    """All tables of the plan together after a phase, medians over repetitions.

    Attributes
    ----------
    engine, phase
        Whose, and after which.
    live_files, live_bytes
        Of the newest versions.
    stored_bytes
        Of all data files, those of earlier versions included.
    log_bytes
        Of the logs.
    elapsed_s
        Of the phase.
    queries_s
        Of its queries; None if it has none, or no number.
    """

    engine: str
    phase: str
    live_files: float
    live_bytes: float
    stored_bytes: float
    log_bytes: float
    elapsed_s: float | None
    queries_s: float | None


@dataclass(frozen=True)
class Writing:
    """What changes of one kind wrote.

    Attributes
    ----------
    engine, kind, table
        Whose, of which kind, and of which table.
    changes
        How many.
    latency_s
        Of one, the median.
    rows_bytes
        Of the rows that were added, changed or deleted, as Parquet.
    written_bytes
        Of files that were written.
    amplification
        Bytes written ÷ bytes of rows; None where that is not told.
    conflicts
        How often another writer was first.
    """

    engine: str
    kind: str
    table: str
    changes: int
    latency_s: float
    rows_bytes: int
    written_bytes: int
    amplification: float | None
    conflicts: int


@dataclass(frozen=True)
class Support:
    """Whether an engine can do a kind of task, and how it did.

    Attributes
    ----------
    engine, kind
        Whose, and what.
    state
        ``ok``; the first status that was another, such as ``unsupported``; or ``not reached``.
    path
        The ways that it took.
    detail
        Why not.
    """

    engine: str
    kind: str
    state: str
    path: str
    detail: str | None = None


@dataclass(frozen=True)
class LifecycleSummary:
    """Everything, in the order of the engines and of the plan.

    Attributes
    ----------
    series, interference, maintenance, sizes, writing, supports
        As their classes say.
    samples
        By phase, judged.
    repetitions
        By engine, how many came to their ends.
    """

    series: tuple[Series, ...]
    interference: tuple[Interference, ...]
    maintenance: tuple[Maintenance, ...]
    sizes: tuple[Size, ...]
    writing: tuple[Writing, ...]
    supports: tuple[Support, ...]
    samples: Mapping[PhaseKey, Sequence[TaskSample]]
    repetitions: Mapping[str, int]

    @property
    def faults(self) -> tuple[tuple[PhaseKey, TaskSample], ...]:
        """Tasks that failed or were wrong; one that an engine cannot do is none of them."""
        return tuple(
            (key, sample)
            for key, samples in self.samples.items()
            for sample in samples
            if sample.status not in ("ok", "unsupported")
        )

    def is_right(self, run: LifecycleRun) -> bool:
        """Whether all phases came to their ends, and nothing failed or was wrong."""
        return (
            all(phase.status == "ok" for phase in run.phases)
            and not self.faults
            and not any(check.is_right is False for phase in run.phases for check in phase.end)
        )

    def document(self, run: LifecycleRun) -> dict[str, object]:
        """For ``--json``."""
        return {
            "run": run.header.id,
            "plan": run.header.plan,
            "is_right": self.is_right(run),
            "repetitions": dict(self.repetitions),
            "stopped": [asdict(end) for end in run.repetitions if end.stopped],
            **{
                name: [asdict(each) for each in getattr(self, name)]
                for name in (
                    *("series", "interference", "maintenance"),
                    *("sizes", "writing", "supports"),
                )
            },
        }


def summarise_lifecycle(run: LifecycleRun, directory: Path) -> LifecycleSummary:
    """The numbers of a run.

    Parameters
    ----------
    run
        Finished or interrupted; a repetition that was interrupted is in no interval of a series.
    directory
        Of the run, where its samples lie.

    Raises
    ------
    ResultsError
        If samples are absent or damaged.
    """
    samples = {phase.key: lifecycle_samples(phase, directory) for phase in run.phases}
    totals = {key: _total(own) for key, own in samples.items()}
    engines = [request.name for request in run.header.engines]
    records = {phase.key: phase for phase in run.phases}
    ends = {end.key: end for end in run.ends}
    return LifecycleSummary(
        series=tuple(s for e in engines for s in _series(run, e, totals)),
        interference=tuple(i for e in engines for i in _interference(run, e, samples)),
        maintenance=tuple(m for e in engines for m in _maintenance(run, e, totals, records)),
        sizes=tuple(s for e in engines for s in _sizes(run, e, records, ends, totals)),
        writing=tuple(w for e in engines for w in _writing(e, ends, samples)),
        supports=tuple(s for e in engines for s in _supports(run, e, samples)),
        samples=samples,
        repetitions={
            e: sum(r.engine == e and r.stopped is None for r in run.repetitions) for e in engines
        },
    )


def degradation_rate(values: Sequence[float]) -> float:
    """S_DR of a metric over phases: the mean of its relative changes from one to the next.

    Parameters
    ----------
    values
        Two positive numbers or more, in order.

    Raises
    ------
    ValueError
        If there are fewer, or one is not positive.
    """
    if len(values) < 2 or min(values) <= 0:
        raise ValueError("a degradation rate needs two positive values or more")
    pairs = pairwise(values)
    return fmean((now - before) / before for before, now in pairs)


def _total(samples: Iterable[TaskSample]) -> float | None:
    """Seconds of all queries of a phase; None if it has none, or one without a right answer."""
    asked = [sample for sample in samples if sample.kind == "query"]
    if not asked or any(s.status != "ok" or s.wall_ns is None for s in asked):
        return None
    return sum(s.wall_ns or 0 for s in asked) / 1e9


def _repetitions(run: LifecycleRun) -> range:
    return range(1, run.header.repetitions + 1)


def _series(
    run: LifecycleRun, engine: str, totals: Mapping[PhaseKey, float | None]
) -> Iterator[Series]:
    by_name: dict[str, list[str]] = {}
    for phase in run.header.phases:
        if phase.has_queries:
            by_name.setdefault(phase.series, []).append(phase.name)
    for name, phases in by_name.items():
        rows = [
            tuple(totals.get(PhaseKey(engine, phase, number)) for phase in phases)
            for number in _repetitions(run)
        ]
        rows = [row for row in rows if any(value is not None for value in row)]
        whole = [[v for v in row if v is not None] for row in rows if None not in row]
        rates = tuple(degradation_rate(row) for row in whole) if len(phases) > 1 else ()
        yield Series(
            engine,
            name,
            tuple(phases),
            tuple(_median(row[i] for row in rows) for i in range(len(phases))),
            tuple(rows),
            median_interval(rates) if rates else None,
            rates,
        )


def _interference(
    run: LifecycleRun, engine: str, samples: Mapping[PhaseKey, Sequence[TaskSample]]
) -> Iterator[Interference]:
    of_series: dict[str, list[str]] = {}
    for phase in run.header.phases:
        of_series.setdefault(phase.series, []).append(phase.name)
    compared = {p.series: p.alone for p in run.header.phases if p.alone is not None}
    for series, alone in compared.items():
        base: dict[str, list[float]] = {}
        in_repetition: dict[int, tuple[list[tuple[str, float]], list[tuple[str, float]]]] = {}
        for number in _repetitions(run):
            lone = _latencies(engine, of_series[alone], number, samples, beside=False)
            beside = _latencies(engine, of_series[series], number, samples, beside=True)
            for name, latency in lone:
                base.setdefault(name, []).append(latency)
            in_repetition[number] = (lone, beside)
        medians = {name: median(values) for name, values in base.items()}
        scaled = [
            tuple([value / medians[n] for n, value in own if n in medians] for own in pair)
            for pair in in_repetition.values()
        ]
        every = [[v for pair in scaled for v in pair[side]] for side in (0, 1)]
        if not every[1] or not every[0]:
            continue
        found = [percentiles(values) for values in every]
        level = next((v for v in reversed(LEVELS) if all(v in own for own in found)), None)
        both = [pair for pair in scaled if pair[0] and pair[1]]
        yield Interference(
            engine,
            series,
            alone,
            len(every[1]),
            len(every[0]),
            level,
            None if level is None else found[1][level] / found[0][level],
            paired_ratio([median(a) for a, _ in both], [median(b) for _, b in both]),
        )


def _latencies(
    engine: str,
    phases: Iterable[str],
    repetition: int,
    samples: Mapping[PhaseKey, Sequence[TaskSample]],
    *,
    beside: bool,
) -> list[tuple[str, float]]:
    """Query and seconds of those that ran alone, or while another session was at something."""
    found = []
    for phase in phases:
        own = samples.get(PhaseKey(engine, phase, repetition), ())
        for sample in own:
            if sample.kind != "query" or sample.status != "ok" or not sample.wall_ns:
                continue
            others = [o for o in own if o.session != sample.session and o.kind != "pause"]
            if any(_overlap(sample, other) for other in others) == beside:
                found.append((sample.task, sample.wall_ns / 1e9))
    return found


def _overlap(one: TaskSample, other: TaskSample) -> bool:
    if one.end_ns is None or other.end_ns is None:
        return False
    return one.begin_ns < other.end_ns and other.begin_ns < one.end_ns


def _maintenance(
    run: LifecycleRun,
    engine: str,
    totals: Mapping[PhaseKey, float | None],
    records: Mapping[PhaseKey, PhaseRecord],
) -> Iterator[Maintenance]:
    phases = run.header.phases
    for place, phase in enumerate(phases):
        if not phase.is_maintenance:
            continue
        before = _nearest(phases[:place][::-1])
        after = _nearest(phases[place + 1 :])
        if before is None or after is None:
            continue
        found = []
        for number in _repetitions(run):
            keys = [PhaseKey(engine, name, number) for name in (before, after, phase.name)]
            record = records.get(keys[2])
            first, last = totals.get(keys[0]), totals.get(keys[1])
            if first and last and record is not None and record.elapsed_ns is not None:
                found.append((first, last, record.elapsed_ns / 1e9))
        if not found:
            continue
        firsts, lasts, costs = ([row[i] for row in found] for i in range(3))
        value = paired_ratio(lasts, firsts)
        saved = median(f - s for f, s, _ in found)
        assert value is not None  # noqa: S101 - there is a repetition
        yield Maintenance(
            engine,
            phase.name,
            before,
            after,
            median(firsts),
            median(lasts),
            median(costs),
            value,
            median(costs) / saved if saved > 0 else None,
        )


def _nearest(phases: Iterable[object]) -> str | None:
    """The first phase that only asks, unless rows are changed before it."""
    for phase in phases:
        if getattr(phase, "has_queries", False) and not getattr(phase, "changes_rows", False):
            return str(getattr(phase, "name", ""))
        if getattr(phase, "changes_rows", False):
            return None
    return None


def _sizes(
    run: LifecycleRun,
    engine: str,
    records: Mapping[PhaseKey, PhaseRecord],
    ends: Mapping[PhaseKey, PhaseEnd],
    totals: Mapping[PhaseKey, float | None],
) -> Iterator[Size]:
    for phase in run.header.phases:
        keys = [PhaseKey(engine, phase.name, number) for number in _repetitions(run)]
        left = [ends[key].tables for key in keys if key in ends]
        if not left:
            continue
        elapsed = [records[key].elapsed_ns for key in keys if key in records]
        sums = {
            name: [float(sum(getattr(table, name) for table in tables)) for tables in left]
            for name in ("live_files", "live_bytes", "stored_bytes", "log_bytes")
        }
        yield Size(
            engine,
            phase.name,
            **{name: median(values) for name, values in sums.items()},
            elapsed_s=_median(None if value is None else value / 1e9 for value in elapsed),
            queries_s=_median(totals.get(key) for key in keys),
        )


def _writing(
    engine: str,
    ends: Mapping[PhaseKey, PhaseEnd],
    samples: Mapping[PhaseKey, Sequence[TaskSample]],
) -> Iterator[Writing]:
    changes: dict[tuple[str, str], list[tuple[int, int | None]]] = {}
    for key, end in ends.items():
        if key.engine == engine:
            for change in end.changes:
                own = changes.setdefault((change.kind, change.table), [])
                own.append((change.rows_bytes, change.written_bytes))
    for (kind, table), found in changes.items():
        made = [
            sample
            for key, own in samples.items()
            if key.engine == engine
            for sample in own
            if sample.kind == kind and table in sample.versions and sample.status == "ok"
        ]
        if not made:
            continue
        told = [(rows, written) for rows, written in found if written is not None]
        rows_bytes, written_bytes = (sum(pair[i] for pair in told) for i in (0, 1))
        yield Writing(
            engine,
            kind,
            table,
            len(made),
            median((sample.wall_ns or 0) / 1e9 for sample in made),
            rows_bytes,
            written_bytes,
            written_bytes / rows_bytes if rows_bytes else None,
            sum(sample.conflicts for sample in made),
        )


def _supports(
    run: LifecycleRun, engine: str, samples: Mapping[PhaseKey, Sequence[TaskSample]]
) -> Iterator[Support]:
    own = [s for key, found in samples.items() if key.engine == engine for s in found]
    for kind in run.header.kinds:
        tried = [sample for sample in own if sample.kind == kind]
        if not tried:
            yield Support(engine, kind, "not reached", "")
            continue
        failed = next((sample for sample in tried if sample.status != "ok"), None)
        paths = dict.fromkeys(sample.path for sample in tried if sample.path)
        yield Support(
            engine,
            kind,
            "ok" if failed is None else failed.status,
            "; ".join(paths),
            None if failed is None else failed.message,
        )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
