"""What every kind of result is on disk: a directory of its own, and a document in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from neuralake.errors import ResultsError
from neuralake.results.plain import UNDECODABLE

Record = TypeVar("Record")
Overview = TypeVar("Overview")


class Versioned(Protocol):
    """As much of a document as says whether the rest can be read; what else it holds is skipped."""

    @property
    def schema_version(self) -> int:
        """Of who wrote it."""


V = TypeVar("V", bound=Versioned)


@dataclass(frozen=True)
class PlainlyVersioned:
    """A document that has its version at its top."""

    schema_version: int


@dataclass(frozen=True)
class Directories:
    """The results of one kind under one parent, each in a directory that is called by its id.

    Attributes
    ----------
    parent
        Where they lie; it may be absent.
    sign
        File that each of them has.
    others
        Files by which one is known, too, if its path is given.
    """

    parent: Path
    sign: str
    others: tuple[str, ...] = ()

    def ids(self) -> list[str]:
        """Names of all results, oldest first."""
        if not self.parent.is_dir():
            return []
        return sorted(d.name for d in self.parent.iterdir() if (d / self.sign).is_file())

    def matching(self, name: str) -> list[Path]:
        """Directories that a name may mean: a path, an id, or the beginning of ids."""
        signs = (Path(name) / file for file in (self.sign, *self.others))
        if any(os.path.isfile(sign) for sign in signs):  # noqa: PTH113 (Path.is_file may raise)
            return [Path(name)]
        ids = [found for found in self.ids() if name and found.startswith(name)]
        return [self.parent / found for found in ([name] if name in ids else ids)]

    def overview(
        self, load: Callable[[Path], Record], tell: Callable[[str, Record | ResultsError], Overview]
    ) -> list[Overview]:
        """All results in a line each, oldest first.

        Parameters
        ----------
        load
            Reads one from its directory.
        tell
            Makes the line of an id and what was read, or of why it cannot be.
        """
        return [tell(name, _read_or_reason(self.parent / name, load)) for name in self.ids()]


def read_plain_document(
    path: Path, kind: str, record: type[Record], version: int, *, remedy: str = ""
) -> Record:
    """As :func:`read_document`, of one that has its version at its top."""
    return read_document(path, kind, record, version, versioned=PlainlyVersioned, remedy=remedy)


def read_document(
    path: Path,
    kind: str,
    record: type[Record],
    version: int,
    *,
    versioned: type[V],
    refuse: Callable[[V], str | None] = lambda _: None,
    remedy: str = "",
) -> Record:
    """A document, once its version is known to be one that can be read.

    Parameters
    ----------
    path
        Of the file.
    kind
        What it is called in a message: ``run``.
    record
        What it holds.
    version
        The schema version that is read.
    versioned
        What tells its own.
    refuse
        Why one of that version is not to be read, or None.
    remedy
        What whoever reads of damage or of another version can do.

    Raises
    ------
    ResultsError
        If it is absent, corrupt, of another schema version, or refused.
    """
    end = f"; {remedy}" if remedy else ""
    try:
        content = path.read_bytes()
        found = msgspec.json.decode(content, type=versioned)
        if found.schema_version != version:
            raise ResultsError(
                f"{kind} {path} has schema version {found.schema_version}: "
                f"this Neuralake reads {version}{end}"
            )
        if reason := refuse(found):
            raise ResultsError(f"{kind} {path} {reason}{end}")
        return msgspec.json.decode(content, type=record)
    except OSError as error:
        raise ResultsError(f"{kind} {path} cannot be read: {error.strerror}") from error
    except UNDECODABLE as error:
        raise ResultsError(f"{kind} {path} is corrupt: {error}{end}") from error


def _read_or_reason(directory: Path, load: Callable[[Path], Record]) -> Record | ResultsError:
    try:
        return load(directory)
    except ResultsError as error:
        return error
