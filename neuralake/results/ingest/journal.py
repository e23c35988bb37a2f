"""The journal of a run of ingest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from neuralake.results.ingest.records import (
    KIND,
    IngestHeader,
    IngestRun,
    Round,
    RoundVerification,
)
from neuralake.results.journal import End, read_entries
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
    entries = read_entries(path, IngestEntry, KIND)
    rounds = {e.round.key: e.round for e in entries if e.round is not None}
    contestants = {e.contestant.name: e.contestant for e in entries if e.contestant is not None}
    verified = {e.verification.key: e.verification for e in entries if e.verification is not None}
    end = entries[-1].end
    return IngestRun(
        header=cast("IngestHeader", entries[0].header),
        finished_at=end.finished_at if end else None,
        elapsed_ns=end.elapsed_ns if end else None,
        machine_use=end.machine_use if end else None,
        contestants=tuple(contestants.values()),
        rounds=tuple(rounds.values()),
        verifications=tuple(verified.values()),
        resumptions=tuple(e.resumption for e in entries if e.resumption is not None),
    )
