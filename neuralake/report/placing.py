"""A report is put in its place whole, or not at all, and nothing else is ever replaced."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.report.figures.render import Picture

PAGE, SUMMARY, FIGURES = "index.html", "summary.md", "figures"
_MARKER_WITHIN_BYTES = 1024


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
    missing = [name for name in ("htpy", "matplotlib", "scipy") if find_spec(name) is None]
    if missing:
        raise ResultsError(
            f"a report needs {' and '.join(missing)}: pip install 'neuralake-bench[report]'"
        )
    target = Path(os.path.realpath(directory))
    try:
        _check_replaceable(target)
        made = contents()
        _put(target, made)
    except OSError as error:
        raise ResultsError(
            f"the report cannot be written to {directory}: {error.strerror}"
        ) from error
    names = [name for name in made if name.startswith(FIGURES)]
    return Report(directory / PAGE, directory / SUMMARY, tuple(directory / name for name in names))


def _check_replaceable(directory: Path) -> None:
    """Refuse a directory that holds anything but a report of ours."""
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
    foreign = sorted(entries - {PAGE, SUMMARY, FIGURES})
    if entries and not foreign and not _is_report(directory / PAGE):
        foreign = sorted(entries)
    if foreign:
        raise ResultsError(
            f"{directory} holds {foreign[0]}, which is no part of a report of Neuralake: "
            "name another directory"
        )


def _is_report(page: Path) -> bool:
    from neuralake.report.page.document import is_report

    if not page.is_file():
        return False
    with page.open("rb") as file:
        return is_report(file.read(_MARKER_WITHIN_BYTES))


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
