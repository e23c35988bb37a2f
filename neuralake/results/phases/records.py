"""The records of a phase: what ran at once on an engine, how it ended, and whether it was right.

What is measured of a single task is not here: it lies in part files beside the journal
(:mod:`neuralake.results.phases.samples`). Fields may be added, never renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuralake.results.names import file_stem
from neuralake.results.parts import Part
from neuralake.results.records import Verdict

# How the sessions of a phase map to an engine: sessions of one engine in threads, or a process,
# with an engine of its own, for each of them
SessionMapping = Literal["threads", "processes"]
# Who changes tables: the engine, by its own path; or Neuralake's writer, and the engine what that
# cannot do
WriterName = Literal["engine", "neuralake"]
PhaseStatus = Literal["ok", "error", "timeout", "oom", "crashed"]


@dataclass(frozen=True)
class PhaseKey:
    """Which phase of which engine, and which time."""

    engine: str
    phase: str
    repetition: int = 1

    @property
    def stem(self) -> str:
        """For names of files."""
        return f"{file_stem(self.engine, self.phase)}-r{self.repetition:02d}"


@dataclass(frozen=True)
class AnswerCheck:
    """Whether an answer is right.

    Attributes
    ----------
    session, position, task
        Of which task.
    verdict
        ``verified``; ``wrong``; ``unverified`` where nobody else could answer.
    against
        What it was compared with, such as ``datafusion at the same versions``.
    detail
        First differing rows, where wrong; why it is unverified.
    """

    session: str
    position: int
    task: str
    verdict: Verdict
    against: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class EndCheck:
    """Whether the tables are at the end of a phase what they must be.

    Attributes
    ----------
    name
        What was looked at, such as ``no order without lineitems``.
    is_right
        Whether it is so; None if it could not be found out.
    detail
        What was found, where it is not.
    """

    name: str
    is_right: bool | None
    detail: str | None = None


@dataclass(frozen=True)
class PhaseRecord:
    """A phase that was.

    Attributes
    ----------
    key
        Which.
    status
        ``ok`` if every session came to its end, whatever its tasks came to; otherwise why not.
    started_at
        UTC, ISO 8601.
    elapsed_ns
        From the moment at which all sessions began until the last of them ended.
    parts
        Files of samples, one a session.
    message
        Why it did not come to its end.
    cpu_ns, peak_rss_bytes, bytes_read
        Of all processes of the engine during the phase; None where it lost one of them.
    answers
        Verdicts on the answers of queries.
    end
        Verdicts on the tables at the end.
    """

    key: PhaseKey
    status: PhaseStatus
    started_at: str
    elapsed_ns: int | None = None
    parts: tuple[Part, ...] = ()
    message: str | None = None
    cpu_ns: int | None = None
    peak_rss_bytes: int | None = None
    bytes_read: int | None = None
    answers: tuple[AnswerCheck, ...] = ()
    end: tuple[EndCheck, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether it came to its end, and nothing of it was found wrong."""
        return (
            self.status == "ok"
            and all(check.verdict != "wrong" for check in self.answers)
            and all(check.is_right for check in self.end)
        )
