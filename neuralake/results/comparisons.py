"""Comparisons on disk: ``<results root>/comparisons/<comparison>/``, its document and its pairs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from neuralake.errors import ResultsError
from neuralake.results.comparison import SCHEMA_VERSION, Comparison
from neuralake.results.documents import Directories, read_plain_document
from neuralake.results.store import RunStore, write_whole

COMPARISONS = "comparisons"
DOCUMENT = "comparison.json"


@dataclass(frozen=True)
class ComparisonOverview:
    """A comparison in a line.

    Attributes
    ----------
    id
        Its name.
    workload, scale_factor, engines
        What was run.
    base, candidate
        The arms, as they were asked for.
    pairs
        How many pairs of executions were measured.
    regressed
        Whether anything is slower in the candidate, or wrong or failed in it.
    is_conclusive
        Whether there is a verdict on everything.
    state
        ``finished``, ``interrupted``, or why it cannot be read.
    """

    id: str
    workload: str = ""
    scale_factor: float | None = None
    engines: tuple[str, ...] = ()
    base: str = ""
    candidate: str = ""
    pairs: int = 0
    regressed: bool = False
    is_conclusive: bool = False
    state: str = "finished"


class ComparisonStore:
    """The comparisons under one results root.

    Parameters
    ----------
    root
        Results root.
    """

    def __init__(self, root: Path) -> None:
        self._directories = Directories(root / COMPARISONS, DOCUMENT)

    def ids(self) -> list[str]:
        """Names of all comparisons, oldest first; one without a document came to no verdict."""
        return self._directories.ids()

    def matching(self, name: str) -> list[Path]:
        """Directories of the comparisons that a name may mean.

        Parameters
        ----------
        name
            A directory, the id of a comparison, or the beginning of one.
        """
        return self._directories.matching(name)

    def overview(self) -> list[ComparisonOverview]:
        """All comparisons in a line each, oldest first; those that cannot be read say why."""
        return self._directories.overview(load_comparison, _overview)


def find_result(store: RunStore, name: str) -> Path:
    """Directory of a run or of a comparison.

    Parameters
    ----------
    store
        The runs; comparisons lie beside them.
    name
        An id, the beginning of one, a directory, or ``latest``, which is the latest run.

    Raises
    ------
    ResultsError
        If there is none, or several begin so.
    """
    compared = ComparisonStore(store.root).matching(name)
    if not compared:
        return store.find(name)
    begin = [path.name for path in compared]
    if not (Path(name) / DOCUMENT == compared[0] / DOCUMENT or name in begin):
        begin += [run for run in store.ids() if run.startswith(name)]
    if len(begin) > 1:
        raise ResultsError(f"{name!r} is not unique: it begins {', '.join(begin[:5])}")
    return compared[0]


def is_comparison(directory: Path) -> bool:
    """Whether a directory that :func:`find_result` found is that of a comparison."""
    return (directory / DOCUMENT).is_file()


def load_comparison(directory: Path) -> Comparison:
    """The comparison in a directory.

    Raises
    ------
    ResultsError
        If it is absent, corrupt or of another schema version.
    """
    return read_plain_document(directory / DOCUMENT, "comparison", Comparison, SCHEMA_VERSION)


def write_comparison(comparison: Comparison, directory: Path) -> None:
    """Write the document of a comparison, whole or not at all."""
    document = msgspec.json.format(msgspec.json.encode(comparison), indent=1)
    write_whole(directory / DOCUMENT, document)


def stand_alone(part: Comparison, place: Path) -> Comparison:
    """Give a comparison that was part of another, which came to nothing, the other's place.

    Parameters
    ----------
    part
        The comparison.
    place
        Its directory, within the other's.

    Returns
    -------
    Comparison
        The same, by the other's id, as it is found among the comparisons from now on.
    """
    directory = place.parent
    for path in place.iterdir():
        if path.name != DOCUMENT:
            path.rename(directory / path.name)
    found = replace(part, id=directory.name)
    write_comparison(found, directory)
    shutil.rmtree(place)
    return found


def _overview(name: str, found: Comparison | ResultsError) -> ComparisonOverview:
    if isinstance(found, ResultsError):
        return ComparisonOverview(name, state=str(found))
    return ComparisonOverview(
        id=found.id,
        workload=found.workload,
        scale_factor=found.scale_factor,
        engines=tuple(engine.engine for engine in found.engines),
        base=found.base.text,
        candidate=found.candidate.text,
        pairs=sum(change.pairs for engine in found.engines for change in engine.queries),
        regressed=found.regressed,
        is_conclusive=found.is_conclusive,
        state="finished" if found.finished_at else "interrupted",
    )
