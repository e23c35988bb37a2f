"""The journal of a run of ingest."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from neuralake.results.ingest.records import (
    KIND,
    IngestHeader,
    IngestRun,
    Round,
    RoundVerification,
)
from neuralake.results.journal import End, replay
from neuralake.results.records import EngineRecord, Resumption


@dataclass(frozen=True)
class IngestEntry:
    """One line: exactly one of its fields is set."""

    header: IngestHeader | None = None
    contestant: EngineRecord | None = None
    round: Round | None = None
    verification: RoundVerification | None = None
    resumption: Resumption | None = None
    end: End | None = None


def read_ingest(path: Path) -> IngestRun:
    """The run that a journal tells of, finished or not.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    return replay(
        path,
        IngestEntry,
        KIND,
        IngestRun,
        contestants=("contestant", attrgetter("name")),
        rounds=("round", attrgetter("key")),
        verifications=("verification", attrgetter("key")),
    )
