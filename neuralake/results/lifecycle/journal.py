"""The journal of a run of lifecycle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from neuralake.results.journal import End, replay
from neuralake.results.lifecycle.records import (
    KIND,
    LifecycleHeader,
    LifecycleRun,
    PhaseEnd,
    RepetitionEnd,
)
from neuralake.results.phases.records import PhaseRecord
from neuralake.results.records import EngineRecord, Resumption


@dataclass(frozen=True)
class LifecycleEntry:
    """One line: exactly one of its fields is set."""

    header: LifecycleHeader | None = None
    engine: EngineRecord | None = None
    phase: PhaseRecord | None = None
    left: PhaseEnd | None = None
    repetition: RepetitionEnd | None = None
    resumption: Resumption | None = None
    end: End | None = None


def read_lifecycle(path: Path) -> LifecycleRun:
    """The run that a journal tells of, finished or not.

    A repetition that was interrupted is done again from its beginning when the run goes on: what
    it had had before is then left out.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    return replay(
        path,
        LifecycleEntry,
        KIND,
        LifecycleRun,
        settle=_without_interrupted,
        engines=("engine", attrgetter("name")),
        phases=("phase", attrgetter("key")),
        ends=("left", attrgetter("key")),
        repetitions=("repetition", attrgetter("engine", "repetition")),
    )


def _without_interrupted(entries: Iterable[LifecycleEntry]) -> list[LifecycleEntry]:
    """Lines without the phases of repetitions that had not ended when the run went on."""
    settled: list[LifecycleEntry] = []
    ended: set[tuple[str, int]] = set()
    for entry in entries:
        if entry.repetition is not None:
            ended.add((entry.repetition.engine, entry.repetition.repetition))
        elif entry.resumption is not None:
            counted = {None, *ended}
            settled = [e for e in settled if _repetition_of(e) in counted]
        settled.append(entry)
    return settled


def _repetition_of(entry: LifecycleEntry) -> tuple[str, int] | None:
    """The engine and the repetition of a phase's line; None of any other."""
    record = entry.phase or entry.left
    return None if record is None else (record.key.engine, record.key.repetition)
