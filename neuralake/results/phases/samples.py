"""What is kept of each task of a phase, and the schema of the part files that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa

from neuralake.results.parts import Part, read_part
from neuralake.results.phases.records import PhaseRecord
from neuralake.results.records import Status

# ``unsupported``: the engine has no such capability, so that there is nothing to measure
TaskStatus = Status | Literal["unsupported"]


@dataclass(frozen=True)
class TaskSample:
    """One task, as it went.

    Attributes
    ----------
    session
        Name of the session.
    position
        Of the task in its session, from 0.
    task, kind, group
        As of :class:`neuralake.workloads.phases.model.Task`.
    status
        ``ok``, or why there is no usable time; ``unsupported`` where the engine cannot do it.
    started_at
        UTC, ISO 8601.
    begin_ns
        From the moment at which all sessions of the phase begin.
    wall_ns
        Elapsed time of the whole task, retries included; None unless it came to its end.
    open_ns
        Of it until the snapshot of a query was resolved and its tables registered.
    versions
        Version by table: those that a query read, or that a change made.
    conflicts
        How often a change was refused since another writer was first, and tried again.
    rows
        Rows of the answer, or that were written or deleted, where that is told.
    digest
        Of the answer (:func:`neuralake.queries.digest.digest`), where it is kept.
    path
        How the engine wrote.
    message
        Why it failed.
    cpu_ns, peak_rss_bytes, bytes_read, instructions
        Of the engine's processes during the task, where it had the engine to itself.
    answer
        Name of the file of its answer, or None.
    """

    session: str
    position: int
    task: str
    kind: str
    status: TaskStatus
    started_at: str
    begin_ns: int
    wall_ns: int | None = None
    group: str = ""
    open_ns: int | None = None
    versions: Mapping[str, int] = field(default_factory=dict)
    conflicts: int = 0
    rows: int | None = None
    digest: str | None = None
    path: str | None = None
    message: str | None = None
    cpu_ns: int | None = None
    peak_rss_bytes: int | None = None
    bytes_read: int | None = None
    answer: str | None = None
    instructions: int | None = None

    @property
    def end_ns(self) -> int | None:
        """When it ended, from the same moment as ``begin_ns``; None unless it did."""
        return None if self.wall_ns is None else self.begin_ns + self.wall_ns

    def row(self) -> tuple[object, ...]:
        """Its values in the order of :data:`TASKS`; versions are a JSON object."""
        values = dict(zip(_NAMES, astuple(self), strict=True))
        values["versions"] = msgspec.json.encode(dict(sorted(self.versions.items()))).decode()
        return tuple(values[name] for name in TASKS.names)


TASKS = pa.schema(
    [
        ("session", pa.string()),
        ("position", pa.int32()),
        ("task", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("started_at", pa.string()),
        ("begin_ns", pa.int64()),
        ("wall_ns", pa.int64()),
        ("group", pa.string()),
        ("open_ns", pa.int64()),
        ("versions", pa.string()),
        ("conflicts", pa.int32()),
        ("rows", pa.int64()),
        ("digest", pa.string()),
        ("path", pa.string()),
        ("message", pa.string()),
        ("cpu_ns", pa.int64()),
        ("peak_rss_bytes", pa.int64()),
        ("bytes_read", pa.int64()),
        ("answer", pa.string()),
        ("instructions", pa.int64()),
    ]
)
_NAMES = [f.name for f in fields(TaskSample)]


def samples_of(table: pa.Table) -> Iterator[TaskSample]:
    """The samples in a table of :data:`TASKS`, in its order."""
    for values in table.to_pylist():
        values["versions"] = msgspec.json.decode(values["versions"], type=dict[str, int])
        yield msgspec.convert(values, TaskSample)


def judged_samples(phase: PhaseRecord, directory: Path) -> list[TaskSample]:
    """The samples of a phase; those whose answers were found wrong have the status ``wrong``.

    Parameters
    ----------
    phase
        As the journal has it.
    directory
        Of the run.

    Raises
    ------
    ResultsError
        If a part is absent or damaged.
    """
    wrong = {(c.session, c.position) for c in phase.answers if c.verdict == "wrong"}
    return [
        replace(sample, status="wrong") if (sample.session, sample.position) in wrong else sample
        for sample in read_samples(directory, phase.parts)
    ]


def read_samples(directory: Path, parts: tuple[Part, ...]) -> list[TaskSample]:
    """The samples of the parts of a run, by their order.

    Raises
    ------
    ResultsError
        If a part is absent or damaged.
    """
    return [sample for part in parts for sample in samples_of(read_part(directory, part))]
