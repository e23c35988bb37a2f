"""The journal of a run of serving."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from neuralake.results.journal import End, replay
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
    return replay(
        path,
        ServingEntry,
        KIND,
        ServingRun,
        contestants=("contestant", attrgetter("name")),
        capacities=("capacity", attrgetter("contestant")),
        rounds=("round", attrgetter("key")),
    )
