"""The report of one run or several: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from neuralake.errors import ResultsError
from neuralake.results.records import Run

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


def write_report(runs: Sequence[Run], directory: Path) -> Report:
    """Write the report of one run, or of several that are compared.

    The same runs give the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    runs
        One or more; the first is the base of a comparison.
    directory
        Made if absent, with its parents.

    Raises
    ------
    ResultsError
        If the runs cannot be compared, matplotlib is missing, the directory cannot be written, or
        it holds anything that is no part of a report.
    """
    contents = put_report(directory, lambda: _contents(runs))
    names = [name for name in contents if name.startswith(FIGURES)]
    return Report(directory / PAGE, directory / SUMMARY, tuple(directory / name for name in names))


def put_report(directory: Path, make: Callable[[], Mapping[str, bytes]]) -> Mapping[str, bytes]:
    """Make the files of a report, and put them in place of one that lies in the directory.

    Parameters
    ----------
    directory
        Made if absent, with its parents.
    make
        Gives the content of every file by its name; called once it is clear that they can be put.

    Returns
    -------
    Mapping
        The files.

    Raises
    ------
    ResultsError
        If matplotlib is missing, the directory cannot be written, or it holds anything that is no
        part of a report.
    """
    if find_spec("matplotlib") is None:
        raise ResultsError("a report needs matplotlib: pip install 'neuralake[report]'")
    target = Path(os.path.realpath(directory))
    try:
        _check_replaceable(target)
        contents = make()
        _put(target, contents)
    except OSError as error:
        raise ResultsError(
            f"the report cannot be written to {directory}: {error.strerror}"
        ) from error
    return contents


def _contents(runs: Sequence[Run]) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report import figures
    from neuralake.report.comparison import compare_runs
    from neuralake.report.markdown import run_markdown, runs_markdown
    from neuralake.report.page.run import run_page
    from neuralake.report.page.runs import runs_page
    from neuralake.report.summary import summarise

    if len(runs) == 1:
        run, summary = runs[0], summarise(runs[0])
        pictures = figures.run_pictures(run, summary)
        page, markdown = run_page(run, summary, pictures), run_markdown(run, summary)
    else:
        comparison = compare_runs(runs)
        pictures = figures.comparison_pictures(comparison)
        for number, (run, summary) in enumerate(zip(runs, comparison.summaries, strict=True), 1):
            pictures += figures.latency_picture(run, summary, number)
        page, markdown = runs_page(comparison, pictures), runs_markdown(comparison)
    drawn = {}
    for picture in pictures:
        drawn[f"{FIGURES}/{picture.name}.svg"] = picture.svg
        drawn[f"{FIGURES}/{picture.name}.png"] = picture.png
    return {PAGE: page.encode(), SUMMARY: markdown.encode(), **drawn}


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
