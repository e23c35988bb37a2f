"""Runs on disk: ``<results root>/runs/<run>/`` with its journal and its document."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from neuralake.errors import ResultsError
from neuralake.results.documents import Directories, read_document
from neuralake.results.kind import Kind, R, RunOverview
from neuralake.results.kinds import KINDS, RUN_OF_QUERIES
from neuralake.results.plain import UNDECODABLE
from neuralake.results.records import QUERIES, SCHEMA_VERSION, Run

JOURNAL = "journal.jsonl"
DOCUMENT = "run.json"


@dataclass(frozen=True)
class _Version:
    """As much of a header as says whether the rest can be read, and how."""

    schema_version: int
    kind: str = QUERIES


@dataclass(frozen=True)
class _Versioned:
    """A document of any version; what else it holds is skipped, not built."""

    header: _Version

    @property
    def schema_version(self) -> int:
        """The header's."""
        return self.header.schema_version


class RunStore:
    """The runs under one results root.

    Parameters
    ----------
    root
        Results root; made when the first run is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs = root / "runs"
        self._directories = Directories(self.runs, JOURNAL, (DOCUMENT,))

    def create(self, workload: str, scale_factor: float | None, now: datetime) -> Path:
        """Make the directory of a new run; its name is the run's id.

        Raises
        ------
        ResultsError
            If it cannot be made.
        """
        return make_directory(self.runs, workload, scale_factor, now)

    def ids(self) -> list[str]:
        """Names of all runs, oldest first."""
        return self._directories.ids()

    def find(self, name: str) -> Path:
        """Directory of a run: its id, the beginning of one, ``latest``, or a path.

        Raises
        ------
        ResultsError
            If there is none, or several begin so.
        """
        if name == "latest":
            ids = self.ids()
            if not ids:
                raise ResultsError(f"no run in {self.runs}: neuralake bench makes one")
            return self.runs / ids[-1]
        found = self._directories.matching(name)
        if len(found) == 1:
            return found[0]
        if found:
            begin = ", ".join(path.name for path in found[:5])
            raise ResultsError(f"run {name!r} is not unique: it begins {begin}")
        raise ResultsError(f"no run {name!r} in {self.runs}: see neuralake results list")

    def load(self, name: str) -> Run:
        """A run by its name, as :meth:`find` takes it.

        Raises
        ------
        ResultsError
            If it is absent, corrupt or of another schema version.
        """
        return load_run(self.find(name))

    def each_of(
        self, kind: Kind[R], *, newest_first: bool = False
    ) -> Iterator[tuple[Path, R | ResultsError]]:
        """The runs of a kind with their directories, and of what cannot be read the reason."""
        ids = self.ids()
        for name in reversed(ids) if newest_first else ids:
            directory = self.runs / name
            try:
                if kind_of(directory) is kind:
                    yield directory, load_as(kind, directory)
            except ResultsError as error:
                yield directory, error

    def overview(self) -> list[RunOverview]:
        """All runs in a line each, oldest first; those that cannot be read say why."""
        return self._directories.overview(load_any, _overview)


def make_directory(parent: Path, workload: str, scale_factor: float | None, now: datetime) -> Path:
    """Make the directory of a new result, with a name that tells when and of what it is.

    Raises
    ------
    ResultsError
        If it cannot be made.
    """
    size = "" if scale_factor is None else f"-sf{scale_factor:g}"
    directory = parent / f"{now:%Y%m%dT%H%M%S}-{workload}{size}-{secrets.token_hex(2)}"
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise ResultsError(
            f"results cannot be written to {parent}: {error.strerror}; "
            "set NEURALAKE_RESULTS_ROOT to a writable directory"
        ) from error
    return directory


def kind_of(directory: Path) -> Kind[Any]:
    """The kind of the run in a directory.

    Raises
    ------
    ResultsError
        If it is absent, corrupt, or of a kind that is not known here.
    """
    document, journal = directory / DOCUMENT, directory / JOURNAL
    try:
        if document.exists():
            header = msgspec.json.decode(document.read_bytes(), type=_Versioned).header
        else:
            with journal.open("rb") as lines:
                header = msgspec.json.decode(lines.readline(), type=_Versioned).header
    except (OSError, *UNDECODABLE):
        return RUN_OF_QUERIES  # whose reader says what is the matter
    if (kind := KINDS.get(header.kind)) is None:
        raise ResultsError(
            f"run {directory} is of {header.kind}, which this Neuralake does not know: "
            f"expected one of {', '.join(KINDS)}"
        )
    return kind


def load_any(directory: Path) -> tuple[Kind[Any], Any]:
    """The run in a directory, whatever its kind.

    Raises
    ------
    ResultsError
        If it is absent, corrupt, of another schema version, or of a kind that is not known here.
    """
    kind = kind_of(directory)
    return kind, load_as(kind, directory)


def load_run(directory: Path) -> Run:
    """The run of queries in a directory; as :func:`load_as`."""
    return load_as(RUN_OF_QUERIES, directory)


def load_as(kind: Kind[R], directory: Path) -> R:
    """The run in a directory: its document, or the journal of a run without one.

    Raises
    ------
    ResultsError
        If it is absent, corrupt, of another schema version, or of another kind.
    """
    document = directory / DOCUMENT
    if not document.exists():
        return kind.read(directory / JOURNAL)

    def refuse(found: _Versioned) -> str | None:
        if found.header.kind == kind.name:
            return None
        return f"is of {found.header.kind}: expected one of {kind.name}"

    return read_document(
        document, "run", kind.document, SCHEMA_VERSION, versioned=_Versioned, refuse=refuse
    )


def write_export(path: Path, content: bytes) -> None:
    """Write a file that the user named: whole or not at all; a device or a pipe, as it takes it.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    try:
        if path.is_dir():
            raise ResultsError(f"{path} cannot be written: it is a directory; expected a file")
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # what is put in the place of /dev/stdout is lost
        else:
            write_whole(path.resolve(), content)
    except OSError as error:
        raise ResultsError(f"{path} cannot be written: {error.strerror}") from error


def _overview(name: str, found: tuple[Kind[Any], Any] | ResultsError) -> RunOverview:
    if isinstance(found, ResultsError):
        return RunOverview(name, state=str(found))
    kind, run = found
    return kind.overview(run)


def write_document_as(kind: Kind[R], directory: Path) -> R:
    """Make the document of a run from its journal: whole or absent."""
    run = kind.read(directory / JOURNAL)
    write_whole(directory / DOCUMENT, msgspec.json.format(msgspec.json.encode(run), indent=1))
    return run


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is seen whole or not at all, and survives a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a write does not tell of what
            error.filename = str(path)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
