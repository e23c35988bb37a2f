"""The journal of a run of freshness."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from neuralake.results.freshness.records import (
    KIND,
    FreshnessHeader,
    FreshnessRun,
    Round,
    RoundVerification,
)
from neuralake.results.journal import End, replay
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
    return replay(
        path,
        FreshnessEntry,
        KIND,
        FreshnessRun,
        readers=("reader", attrgetter("name")),
        rounds=("round", attrgetter("key")),
        verifications=("verification", attrgetter("key")),
    )
