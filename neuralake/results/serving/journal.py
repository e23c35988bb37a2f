"""The journal of a run of serving."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from neuralake.results.journal import End, read_entries
from neuralake.results.records import EngineRecord, Resumption
from neuralake.results.serving.records import KIND, Capacity, Round, ServingHeader, ServingRun


@dataclass(frozen=True)
class ServingEntry:
    """One line: exactly one of its fields is set."""

    header: ServingHeader | None = None
    contestant: EngineRecord | None = None
    capacity: Capacity | None = None
    round: Round | None = None
    resumption: Resumption | None = None
    end: End | None = None


def read_serving(path: Path) -> ServingRun:
    """The run that a journal tells of, finished or not.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    entries = read_entries(path, ServingEntry, KIND)
    contestants = {e.contestant.name: e.contestant for e in entries if e.contestant is not None}
    capacities = {e.capacity.contestant: e.capacity for e in entries if e.capacity is not None}
    rounds = {e.round.key: e.round for e in entries if e.round is not None}
    end = entries[-1].end
    return ServingRun(
        header=cast("ServingHeader", entries[0].header),
        finished_at=end.finished_at if end else None,
        elapsed_ns=end.elapsed_ns if end else None,
        machine_use=end.machine_use if end else None,
        contestants=tuple(contestants.values()),
        capacities=tuple(capacities.values()),
        rounds=tuple(rounds.values()),
        resumptions=tuple(e.resumption for e in entries if e.resumption is not None),
    )
