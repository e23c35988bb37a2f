"""What is installed here, in a form that another environment can be made of."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from neuralake.arms.names import FORMERLY, OURS, normalise
from neuralake.errors import ArmError

# What pip notes of an installation, and no part of a distribution
_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
_NOT_NEEDED = ("pip",)  # every environment has its own, or none


@dataclass(frozen=True)
class Pinned:
    """A distribution of an index or an address, by its version.

    Attributes
    ----------
    requirement
        ``polars==2.1.0``, or ``lake @ git+https://…@commit``.
    """

    requirement: str

    def facts(self) -> list[str]:
        """What tells it from another."""
        return [self.requirement]


@dataclass(frozen=True)
class Copied:
    """A distribution whose origin is this machine: what is installed of it is packed again.

    Attributes
    ----------
    distribution
        As it is installed.
    """

    distribution: Distribution

    def facts(self) -> list[str]:
        """What tells it from another: the digests of its files, as they were installed."""
        record = self.distribution.read_text("RECORD") or ""
        return [self.distribution.name, hashlib.sha256(record.encode()).hexdigest()]

    def pack(self, directory: Path) -> Path:
        """Make a wheel of its files.

        Raises
        ------
        ArmError
            If it is not installed as wheels are, or one of its files is gone.
        """
        name, version = self.distribution.name, self.distribution.version
        files, made = self.distribution.files, self.distribution.read_text("WHEEL")
        if not files or not made:
            raise ArmError(
                f"{name} {version} is installed here from files that are no wheel's: "
                "install it from a wheel, and compare again"
            )
        tags = HeaderParser().parsestr(made).get_all("Tag") or ["py3-none-any"]
        parts = zip(*(tag.split("-") for tag in tags), strict=True)
        tag = "-".join(".".join(dict.fromkeys(part)) for part in parts)
        path = directory / f"{name.replace('-', '_')}-{version}-{tag}.whl"
        members = [file for file in files if _is_part(file)]
        (metadata,) = (file.parent for file in members if file.name == "METADATA")
        record = [f"{file},," for file in members] + [f"{metadata}/RECORD,,"]
        with zipfile.ZipFile(path, "w") as archive:
            for file in members:
                located = Path(str(self.distribution.locate_file(file)))
                if not located.is_file():
                    raise ArmError(f"{name} {version} is damaged: {located} is missing")
                archive.write(located, str(file))
            archive.writestr(f"{metadata}/RECORD", "\n".join(record) + "\n")
        return path


@dataclass(frozen=True)
class Tree:
    """A distribution that is installed from a directory as it is at any time (editable).

    Attributes
    ----------
    name
        Of the distribution.
    directory
        Its source.
    """

    name: str
    directory: Path

    def facts(self) -> list[str]:
        """What tells it from another: size and time of change of each of its files."""
        digest = hashlib.sha256()
        for path in _sources(self.directory):
            status = path.stat()
            entry = (str(path), status.st_size, status.st_mtime_ns)
            digest.update(repr(entry).encode("utf-8", "surrogateescape"))
        return [self.name, str(self.directory), digest.hexdigest()]


Piece = Pinned | Copied | Tree


def find_installed(path: Sequence[str] | None = None) -> tuple[Piece, ...]:
    """Every distribution that is found, in the order of their names.

    Parameters
    ----------
    path
        Where to look; None for the search path of this Python.

    Raises
    ------
    ArmError
        If one is installed from a directory that is gone.
    """
    found: dict[str, Piece] = {}
    for distribution in distributions(path=list(sys.path if path is None else path)):
        name = normalise(distribution.name or "")
        if name and name not in found and name not in _NOT_NEEDED:
            found[name] = _piece(distribution)  # the first is that which is imported
    return tuple(found[name] for name in sorted(found))


def _piece(distribution: Distribution) -> Piece:
    """How to have a distribution again, by where it came from (``direct_url.json``, PEP 610)."""
    name, version = distribution.name, distribution.version
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    url = str(origin.get("url", ""))
    if origin.get("dir_info", {}).get("editable"):
        directory = Path(unquote(urlsplit(url).path))
        if not directory.is_dir():
            raise ArmError(f"{name} is installed here from {directory}, which is gone")
        return Tree(name, directory)
    if url.startswith("file:"):
        return Copied(distribution)
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        below = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
        return Pinned(f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}{below}")
    if url:
        return Pinned(f"{name} @ {url}")
    # no index has a version with a label of one's own, and PyPI's of our former name is another's
    if "+" in version or normalise(name) in (OURS, FORMERLY):
        return Copied(distribution)
    return Pinned(f"{name}=={version}")


def _is_part(file: PurePosixPath) -> bool:
    """Whether a file is of the distribution itself; scripts are made anew from its entry points."""
    if file.is_absolute() or file.parts[0] == ".." or file.suffix == ".pyc":
        return False
    return not (file.parts[0].endswith(".dist-info") and file.name in _NOTES)


def _sources(directory: Path) -> Iterator[Path]:
    """Files of a source directory, without those of tools and environments."""
    for place, directories, names in os.walk(directory):
        directories[:] = sorted(
            name
            for name in directories
            if not name.startswith(".")
            and name not in ("__pycache__", "node_modules")
            and not Path(place, name, "pyvenv.cfg").exists()
        )
        yield from (Path(place, name) for name in sorted(names) if Path(place, name).is_file())
