"""The journal: every record on disk before the next is made.

One JSON object a line, ``{"header": …}`` first, then ``{"engine": …}``, ``{"sample": …}``,
``{"verification": …}`` and at the end ``{"end": …}``; ``{"resumption": …}`` where an interrupted
run went on. Each line is written and synced at once. A last line without its line feed was torn
by a kill, and is no record; any other line that cannot be read is damage, and an error.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import msgspec

from neuralake.errors import ResultsError
from neuralake.results.records import (
    SCHEMA_VERSION,
    EngineRecord,
    Header,
    MachineUse,
    Resumption,
    Run,
    Sample,
    Verification,
)


@dataclass(frozen=True)
class End:
    """The run came to its end."""

    finished_at: str
    elapsed_ns: int
    machine_use: MachineUse | None = None


@dataclass(frozen=True)
class Entry:
    """One line: exactly one of its fields is set."""

    header: Header | None = None
    engine: EngineRecord | None = None
    sample: Sample | None = None
    verification: Verification | None = None
    resumption: Resumption | None = None
    end: End | None = None


Record = Header | EngineRecord | Sample | Verification | Resumption | End
_FIELD = {
    Header: "header",
    EngineRecord: "engine",
    Sample: "sample",
    Verification: "verification",
    Resumption: "resumption",
    End: "end",
}


class JournalWriter:
    """Appends records to a journal.

    Parameters
    ----------
    path
        File to append to; made if absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def append(self, record: Record) -> None:
        """Write one record and sync it to disk.

        Raises
        ------
        ResultsError
            If it cannot be written.
        """
        line = msgspec.json.encode({_FIELD[type(record)]: record}) + b"\n"
        try:
            # an unbuffered file may take a part of it, as when the disk is full
            written = self._file.write(line)
            if written != len(line):
                self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ResultsError(
                f"journal {self._path} cannot be written: {error.strerror}; "
                "what it holds can be resumed"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def remove_torn_line(path: Path) -> None:
    """Cut a journal after its last whole line, so that records can be appended again.

    Raises
    ------
    ResultsError
        If it cannot be read or written.
    """
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
    except OSError as error:
        raise ResultsError(f"journal {path} cannot be resumed: {error.strerror}") from error


def read_journal(path: Path) -> Run:
    """The run that a journal tells of, finished or not.

    All samples of a query whose answers were found wrong have the status ``wrong``.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"no journal at {path}: {error.strerror}") from error
    lines = content.split(b"\n")[:-1]  # what follows the last line feed is torn, or nothing
    if not lines:
        raise ResultsError(f"journal {path} is empty: delete its directory, nothing was measured")
    decoder = msgspec.json.Decoder(Entry)
    _check_version(path, lines[0])
    entries: list[Entry] = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ResultsError(f"journal {path} is damaged at line {number}: {error}") from error
    header = entries[0].header
    if header is None:
        raise ResultsError(f"journal {path} is damaged at line 1: it has no header")
    engines = {e.engine.name: e.engine for e in entries if e.engine is not None}
    verifications = {
        (v.engine, v.query): v for v in (e.verification for e in entries) if v is not None
    }
    wrong = {key for key, v in verifications.items() if v.verdict == "wrong"}
    samples = [e.sample for e in entries if e.sample is not None]
    end = entries[-1].end
    return Run(
        header=header,
        finished_at=end.finished_at if end else None,
        elapsed_ns=end.elapsed_ns if end else None,
        machine_use=end.machine_use if end else None,
        engines=tuple(engines.values()),
        verifications=tuple(verifications.values()),
        samples=tuple(_judged(sample, wrong) for sample in samples),
        resumptions=tuple(e.resumption for e in entries if e.resumption is not None),
    )


def _judged(sample: Sample, wrong: set[tuple[str, str]]) -> Sample:
    if sample.status == "ok" and sample.query and (sample.engine, sample.query) in wrong:
        return replace(sample, status="wrong")
    return sample


def _check_version(path: Path, line: bytes) -> None:
    """Say that a journal is of another version before saying what it lacks."""
    try:
        version = msgspec.json.decode(line)["header"]["schema_version"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ResultsError(f"journal {path} is damaged at line 1: no header") from error
    if version != SCHEMA_VERSION:
        raise ResultsError(
            f"journal {path} has schema version {version}: this Neuralake reads {SCHEMA_VERSION}"
        )
