"""The journal of a run of streams."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from neuralake.results.journal import End, replay
from neuralake.results.phases.records import PhaseRecord
from neuralake.results.records import EngineRecord, Resumption
from neuralake.results.streams.records import KIND, StreamsHeader, StreamsRun


@dataclass(frozen=True)
class StreamsEntry:
    """One line: exactly one of its fields is set."""

    header: StreamsHeader | None = None
    engine: EngineRecord | None = None
    phase: PhaseRecord | None = None
    resumption: Resumption | None = None
    end: End | None = None


def read_streams(path: Path) -> StreamsRun:
    """The run that a journal tells of, finished or not.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    return replay(
        path,
        StreamsEntry,
        KIND,
        StreamsRun,
        engines=("engine", attrgetter("name")),
        phases=("phase", attrgetter("key")),
    )
