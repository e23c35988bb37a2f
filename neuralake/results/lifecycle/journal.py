"""The journal of a run of lifecycle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from neuralake.results.journal import End, read_entries
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
    entries = read_entries(path, LifecycleEntry, KIND)
    run = LifecycleRun(cast("LifecycleHeader", entries[0].header), None, None, (), ())
    engines: dict[str, EngineRecord] = {}
    phases: list[PhaseRecord] = []
    left: list[PhaseEnd] = []
    repetitions: list[RepetitionEnd] = []
    for entry in entries:
        if entry.engine is not None:
            engines[entry.engine.name] = entry.engine
        elif entry.phase is not None:
            phases.append(entry.phase)
        elif entry.left is not None:
            left.append(entry.left)
        elif entry.repetition is not None:
            repetitions.append(entry.repetition)
        elif entry.resumption is not None:
            run = replace(run, resumptions=(*run.resumptions, entry.resumption))
            # Without what repetitions have that did not come to their ends
            done = {(end.engine, end.repetition) for end in repetitions}
            phases = [p for p in phases if (p.key.engine, p.key.repetition) in done]
            left = [e for e in left if (e.key.engine, e.key.repetition) in done]
        elif entry.end is not None:
            finished, elapsed = entry.end.finished_at, entry.end.elapsed_ns
            run = replace(
                run, finished_at=finished, elapsed_ns=elapsed, machine_use=entry.end.machine_use
            )
    return replace(
        run,
        engines=tuple(engines.values()),
        phases=tuple(phases),
        ends=tuple(left),
        repetitions=tuple(repetitions),
    )
