"""Wheels of this machine that stand for a requirement, whatever their files are called."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from neuralake.arms.arm import LocalWheel
from neuralake.arms.names import normalise
from neuralake.config import expanded
from neuralake.errors import ArmError

_NAME = re.compile(r"\w[\w.]*-\d[\w.!+]*(?:-\d\w*)?(?:-\w[\w.]*){3}\.whl")
_TAG = re.compile(r"\w+-\w+-\w+")
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")


@dataclass(frozen=True)
class Wheel:
    """A wheel of this machine.

    Attributes
    ----------
    path
        Absolute.
    package
        Normalised name of the package in it.
    requirement
        What is asked of it: ``polars``, or ``polars[async]``.
    filename
        What it has to be called to be installed.
    sha256
        Of its content, in hexadecimal.
    """

    path: Path
    package: str
    requirement: str
    filename: str
    sha256: str

    def copy(self, directory: Path) -> str:
        """Copy it, so that nobody changes it meanwhile; returns the requirement of the copy.

        Raises
        ------
        ArmError
            If it has changed since it was looked at.
        """
        copy = directory / self.filename
        shutil.copyfile(self.path, copy)
        if _sha256(copy) != self.sha256:
            raise ArmError(f"wheel {self.path} changed while it was read: run it again")
        return f"{self.requirement} @ {copy.as_uri()}"


def find_wheel(wheel: LocalWheel) -> Wheel:
    """Look at the wheel that a requirement names, relative to the working directory.

    Raises
    ------
    ArmError
        If there is none, or it is none.
    """
    path = Path(expanded(wheel.path)).absolute()
    if not path.is_file():
        raise ArmError(f"there is no wheel {path}: expected a file")
    try:
        with ZipFile(path) as archive:
            metadata = next(name for name in archive.namelist() if _METADATA.fullmatch(name))
            described = HeaderParser().parsestr(archive.read(metadata).decode())
            made = archive.read(f"{metadata.removesuffix('METADATA')}WHEEL").decode()
            name, version = described["Name"] or "", described["Version"] or ""
            tags = HeaderParser().parsestr(made).get_all("Tag") or []
    except (BadZipFile, StopIteration, KeyError, UnicodeDecodeError):
        name, version, tags = "", "", []
    # they become the name of a file
    is_named = re.fullmatch(r"\w[\w.-]*", name) and re.fullmatch(r"\d[\w.!+]*", version)
    if not (is_named and tags and all(_TAG.fullmatch(tag) for tag in tags)):
        raise ArmError(f"{path} is not a wheel: expected a file such as uv build --wheel makes")
    package = normalise(name)
    filename = path.name
    if not _NAME.fullmatch(filename):  # a name of the user's own, which uv refuses
        parts = zip(*(tag.split("-") for tag in tags), strict=True)
        tag = "-".join(".".join(dict.fromkeys(part)) for part in parts)
        filename = f"{package.replace('-', '_')}-{version}-{tag}.whl"
    requirement = wheel.prefix.rstrip("@ ") or f"{package}{wheel.extras}"
    return Wheel(path, package, requirement, filename, _sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
