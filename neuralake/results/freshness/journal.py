"""The journal of a run of freshness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from neuralake.results.freshness.records import (
    KIND,
    FreshnessHeader,
    FreshnessRun,
    Round,
    RoundVerification,
)
from neuralake.results.journal import End, read_entries
from neuralake.results.records import EngineRecord, Resumption


@dataclass(frozen=True)
class FreshnessEntry:
    """One line: exactly one of its fields is set."""

    header: FreshnessHeader | None = None
    reader: EngineRecord | None = None
    round: Round | None = None
    verification: RoundVerification | None = None
    resumption: Resumption | None = None
    end: End | None = None


def read_freshness(path: Path) -> FreshnessRun:
    """The run that a journal tells of, finished or not.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    entries = read_entries(path, FreshnessEntry, KIND)
    rounds = {e.round.key: e.round for e in entries if e.round is not None}
    readers = {e.reader.name: e.reader for e in entries if e.reader is not None}
    verified = {e.verification.key: e.verification for e in entries if e.verification is not None}
    end = entries[-1].end
    return FreshnessRun(
        header=cast("FreshnessHeader", entries[0].header),
        finished_at=end.finished_at if end else None,
        elapsed_ns=end.elapsed_ns if end else None,
        machine_use=end.machine_use if end else None,
        readers=tuple(readers.values()),
        rounds=tuple(rounds.values()),
        verifications=tuple(verified.values()),
        resumptions=tuple(e.resumption for e in entries if e.resumption is not None),
    )
