"""What the plan left in storage: files and bytes after each phase, and what changes wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from neuralake.results.lifecycle.records import LifecycleRun, PhaseEnd
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TaskSample
from neuralake.stats.summary import median_of_known


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
    opening_s
        Of these, what it took to open the tables, which each query does anew; None if there are
        none.
    """

    engine: str
    phase: str
    live_files: float
    live_bytes: float
    stored_bytes: float
    log_bytes: float
    elapsed_s: float | None
    queries_s: float | None
    opening_s: float | None


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


def sizes_of(
    run: LifecycleRun,
    engine: str,
    records: Mapping[PhaseKey, PhaseRecord],
    ends: Mapping[PhaseKey, PhaseEnd],
    totals: Mapping[PhaseKey, float | None],
    openings: Mapping[PhaseKey, float | None],
) -> Iterator[Size]:
    """The sizes after each phase of an engine."""
    for phase in run.header.phases:
        keys = [PhaseKey(engine, phase.name, number) for number in run.header.repetition_numbers]
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
            elapsed_s=median_of_known(None if value is None else value / 1e9 for value in elapsed),
            queries_s=median_of_known(totals.get(key) for key in keys),
            opening_s=median_of_known(openings.get(key) for key in keys),
        )


def writing_of(
    engine: str,
    ends: Mapping[PhaseKey, PhaseEnd],
    samples: Mapping[PhaseKey, Sequence[TaskSample]],
) -> Iterator[Writing]:
    """What the changes of an engine wrote, by kind and table."""
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
