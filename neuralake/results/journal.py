"""The journal: every record on disk before the next is made.

One JSON object a line, ``{"header": …}`` first, then the records of the kind of run, and at the
end ``{"end": …}``; ``{"resumption": …}`` where an interrupted run went on. A run of queries has
``{"engine": …}``, ``{"sample": …}`` and ``{"verification": …}``. Each line is written and synced at
once. A last line without its line feed was torn by a kill, and is no record; any other line that
cannot be read, or is not in its place, is damage, and an error. One that is there twice counts
once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import NoneType
from typing import Any, Protocol, Self, TypeVar, get_args, get_type_hints

import msgspec

from neuralake.errors import ResultsError
from neuralake.results.plain import UNDECODABLE
from neuralake.results.records import (
    QUERIES,
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


class AnyEntry(Protocol):
    """One line of the journal of any kind of run: exactly one of its fields is set."""

    @property
    def header(self) -> Any | None:
        """What is known of the run before it begins: the first line."""

    @property
    def end(self) -> End | None:
        """The last line of a run that came to its end."""


E = TypeVar("E", bound=AnyEntry)
D = TypeVar("D")


@dataclass(frozen=True)
class Entry:
    """One line of a run of queries: exactly one of its fields is set."""

    header: Header | None = None
    engine: EngineRecord | None = None
    sample: Sample | None = None
    verification: Verification | None = None
    resumption: Resumption | None = None
    end: End | None = None


Record = Header | EngineRecord | Sample | Verification | Resumption | End


class JournalWriter:
    """Appends records to a journal.

    Parameters
    ----------
    path
        File to append to; made if absent.
    entry
        What a line of it holds: a dataclass with a field for each type of record.
    """

    def __init__(self, path: Path, entry: type[AnyEntry] = Entry) -> None:
        self._path = path
        self._fields = _fields(entry)
        self._file = path.open("ab", buffering=0)

    def append(self, record: object) -> None:
        """Write one record and sync it to disk.

        Raises
        ------
        ResultsError
            If it cannot be written.
        """
        line = msgspec.json.encode({self._fields[type(record)]: record}) + b"\n"
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


def read_entries(path: Path, entry: type[E], kind: str) -> list[E]:
    """All lines of a journal, the first of which is a header.

    Parameters
    ----------
    path
        The journal.
    entry
        What a line of it holds.
    kind
        Of run, as its header says it.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, of another schema version, or of another kind of run.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"no journal at {path}: {error.strerror}") from error
    lines = content.split(b"\n")[:-1]  # what follows the last line feed is torn, or nothing
    if not lines:
        raise ResultsError(f"journal {path} is empty: delete its directory, nothing was measured")
    decoder = msgspec.json.Decoder(entry)
    _check(path, lines[0], kind)
    names = tuple(_fields(entry).values())
    entries: list[E] = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(decoder.decode(line))
        except UNDECODABLE as error:
            raise ResultsError(f"journal {path} is damaged at line {number}: {error}") from error
        if (damage := _out_of_place(entries, names)) is not None:
            raise ResultsError(f"journal {path} is damaged at line {number}: {damage}")
    return entries


def _out_of_place(entries: Sequence[AnyEntry], names: Sequence[str]) -> str | None:
    """What is the matter with the last of the lines so far, which can be read."""
    last, before = entries[-1], entries[-2] if len(entries) > 1 else None
    found = [name for name in names if getattr(last, name) is not None]
    if len(found) != 1:
        return f"{' and '.join(found) or 'no record'}: expected one of {', '.join(names)}"
    if (last.header is None) == (before is None):
        return "it has no header" if before is None else "a second header"
    if before is not None and before.end is not None:
        return "a record after the run's end"
    return None


def replay(
    path: Path,
    entry: type[E],
    kind: str,
    document: Callable[..., D],
    *,
    settle: Callable[[list[E]], Iterable[E]] = lambda entries: entries,
    **records: tuple[str, Callable[[Any], Hashable] | None],
) -> D:
    """The run that a journal tells of, finished or not.

    Parameters
    ----------
    path
        The journal.
    entry
        What a line of it holds.
    kind
        Of run, as its header says it.
    document
        The record of a whole run, with the fields that every run has.
    settle
        Leaves out the lines that no longer count.
    records
        By each further field of the document: the field of the entry that its records come from,
        and what a record is known by, or None. Of several that are known by the same the last one
        counts.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, of another schema version, or of another kind of run.
    """
    entries = read_entries(path, entry, kind)
    settled = list(settle(entries))

    def all_of(name: str, key: Callable[[Any], Hashable] | None) -> tuple[Any, ...]:
        every = [record for e in settled if (record := getattr(e, name)) is not None]
        return tuple(every if key is None else {key(record): record for record in every}.values())

    found = {field: all_of(*source) for field, source in records.items()}
    end = entries[-1].end
    return document(
        header=entries[0].header,
        finished_at=end.finished_at if end else None,
        elapsed_ns=end.elapsed_ns if end else None,
        machine_use=end.machine_use if end else None,
        resumptions=all_of("resumption", None),
        **found,
    )


def read_journal(path: Path) -> Run:
    """The run of queries that a journal tells of, finished or not.

    All samples of a query whose answers were found wrong have the status ``wrong``.

    Raises
    ------
    ResultsError
        If the journal is absent, damaged, or of another schema version.
    """
    run = replay(
        path,
        Entry,
        QUERIES,
        Run,
        engines=("engine", attrgetter("name")),
        verifications=("verification", attrgetter("engine", "query")),
        samples=("sample", _itself),
    )
    wrong = run.wrong
    return replace(run, samples=tuple(_judged(sample, wrong) for sample in run.samples))


def _fields(entry: type[AnyEntry]) -> dict[type, str]:
    """The field of each type of record."""
    hints = get_type_hints(entry)
    return {
        kind: name
        for name, hint in hints.items()
        for kind in get_args(hint)
        if kind is not NoneType
    }


def _itself(sample: Sample) -> Hashable:
    return sample


def _judged(sample: Sample, wrong: frozenset[tuple[str, str]]) -> Sample:
    if sample.status == "ok" and sample.query and (sample.engine, sample.query) in wrong:
        return replace(sample, status="wrong")
    return sample


def _check(path: Path, line: bytes, kind: str) -> None:
    """Say that a journal is of another version, or kind of run, before saying what it lacks."""
    try:
        header = msgspec.json.decode(line)["header"]
        version, found = header["schema_version"], header.get("kind", QUERIES)
    except (*UNDECODABLE, LookupError, TypeError) as error:
        raise ResultsError(f"journal {path} is damaged at line 1: no header") from error
    if version != SCHEMA_VERSION:
        raise ResultsError(
            f"journal {path} has schema version {version!r}: this Neuralake reads {SCHEMA_VERSION}"
        )
    if found != kind:
        raise ResultsError(f"journal {path} is of a run of {found}: expected one of {kind}")
