"""A report is put in its place whole, or not at all, and nothing else is ever replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.report.figures.render import Picture

PAGE, SUMMARY, FIGURES = "index.html", "summary.md", "figures"
_MARKER_WITHIN_BYTES = 1024


@dataclass(frozen=True)
class Kind:
    """What a directory is filled with.

    Attributes
    ----------
    name
        For messages.
    generator
        What its page says that it was made by.
    parts
        Names of what lies in it.
    """

    name: str
    generator: str
    parts: tuple[str, ...]


REPORT = Kind("report", "Neuralake report", (PAGE, SUMMARY, FIGURES))


@dataclass(frozen=True)
class Report:
    """Where a report lies.

    Attributes
    ----------
    html, markdown
        The page and the summary.
    figures
        SVG and PNG of each figure.
    """

    html: Path
    markdown: Path
    figures: tuple[Path, ...]


def files(page: str, summary: str, pictures: Iterable[Picture]) -> dict[str, bytes]:
    """Every file of a report, by its name."""
    drawn = {}
    for picture in pictures:
        drawn[f"{FIGURES}/{picture.name}.svg"] = picture.svg
        drawn[f"{FIGURES}/{picture.name}.png"] = picture.png
    return {PAGE: page.encode(), SUMMARY: summary.encode(), **drawn}


def require_packages(names: Sequence[str], what: str) -> None:
    """Refuse to go on without packages of the extra ``report``; raises ``ResultsError``."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ResultsError(f"{what} {' and '.join(missing)}: pip install 'neuralake-bench[report]'")


def put_whole(
    directory: Path, kind: Kind, contents: Callable[[], Mapping[str, bytes]]
) -> Mapping[str, bytes]:
    """Make files and put them in the place of a directory that has older ones, or is not there.

    Parameters
    ----------
    directory, contents
        As of :func:`place_report`.
    kind
        What is made, and may be replaced.

    Returns
    -------
    mapping
        What was made.

    Raises
    ------
    ResultsError
        If the directory cannot be written, or holds anything that is no part of such a thing.
    """
    target = Path(os.path.realpath(directory))
    try:
        _check_replaceable(target, kind)
        made = contents()
        _put(target, made)
    except OSError as error:
        raise ResultsError(
            f"the {kind.name} cannot be written to {directory}: {error.strerror}"
        ) from error
    return made


def place_report(directory: Path, contents: Callable[[], Mapping[str, bytes]]) -> Report:
    """Make a report and put it in its place; an older report there is replaced.

    Parameters
    ----------
    directory
        Made if absent, with its parents.
    contents
        Makes every file, as :func:`files` returns them; called once it is known that the
        directory may be replaced.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, the directory cannot be written, or it
        holds anything that is no part of a report.
    """
    require_packages(("htpy", "matplotlib", "scipy"), "a report needs")
    made = put_whole(directory, REPORT, contents)
    names = [name for name in made if name.startswith(FIGURES)]
    return Report(directory / PAGE, directory / SUMMARY, tuple(directory / name for name in names))


def _check_replaceable(directory: Path, kind: Kind) -> None:
    """Refuse a directory that holds anything but what we made."""
    if directory == Path(os.path.realpath(Path.cwd())):
        raise ResultsError(f"{directory} is the working directory: name a directory within it")
    if not directory.exists():
        return
    entries = {entry.name for entry in directory.iterdir()}  # fails where it is a file
    drawn = directory / FIGURES
    if drawn.is_dir():
        entries |= {
            f"{FIGURES}/{entry.name}"
            for entry in drawn.iterdir()
            if entry.suffix not in (".svg", ".png")
        }
    foreign = sorted(entries - {*kind.parts})
    if entries and not foreign and not _is_made_by(directory / PAGE, kind.generator):
        foreign = sorted(entries)
    if foreign:
        raise ResultsError(
            f"{directory} holds {foreign[0]}, which is no part of a {kind.name} of Neuralake: "
            "name another directory"
        )


def _is_made_by(page: Path, generator: str) -> bool:
    if not page.is_file():
        return False
    with page.open("rb") as file:
        begin = file.read(_MARKER_WITHIN_BYTES)
    return f'<meta name="generator" content="{generator}">'.encode() in begin


def _put(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files beside the directory, and then take its place."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    new = directory.with_name(f".{directory.name}.{os.getpid()}.new")
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    try:
        new.mkdir()
        for name, content in contents.items():
            (new / name).parent.mkdir(exist_ok=True)
            (new / name).write_bytes(content)
        if directory.exists():
            directory.rename(old)
        new.rename(directory)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if not directory.exists() and old.exists():
            old.rename(directory)
        shutil.rmtree(old, ignore_errors=True)
