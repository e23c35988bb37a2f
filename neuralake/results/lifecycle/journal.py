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
    for entry in entries:
        if entry.engine is not None:
            engines[entry.engine.name] = entry.engine
        elif entry.phase is not None:
            run = replace(run, phases=(*run.phases, entry.phase))
        elif entry.left is not None:
            run = replace(run, ends=(*run.ends, entry.left))
        elif entry.repetition is not None:
            run = replace(run, repetitions=(*run.repetitions, entry.repetition))
        elif entry.resumption is not None:
            run = _whole(replace(run, resumptions=(*run.resumptions, entry.resumption)))
        elif entry.end is not None:
            finished, elapsed = entry.end.finished_at, entry.end.elapsed_ns
            run = replace(
                run, finished_at=finished, elapsed_ns=elapsed, machine_use=entry.end.machine_use
            )
    return replace(run, engines=tuple(engines.values()))


def _whole(run: LifecycleRun) -> LifecycleRun:
    """The run without what repetitions have that did not come to their ends."""
    done = {(end.engine, end.repetition) for end in run.repetitions}
    return replace(
        run,
        phases=tuple(p for p in run.phases if (p.key.engine, p.key.repetition) in done),
        ends=tuple(e for e in run.ends if (e.key.engine, e.key.repetition) in done),
    )
