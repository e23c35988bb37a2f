"""Which workload is meant: TPC-H by its size or its place, or what a run had measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neuralake.config import Settings, absolute_uri
from neuralake.errors import ResultsError
from neuralake.queries.directory import open_directory
from neuralake.queries.own import GIVEN
from neuralake.queries.workload import Workload, select_queries
from neuralake.results.records import Run
from neuralake.tpch.dataset import dataset_uri, open_workload
from neuralake.tpch.generate import generate
from neuralake.tpch.progress import generation_progress
from neuralake.tpch.workload import queries


def open_tpch(
    settings: Settings,
    scale_factor: float | None,
    dataset: str | None,
    *,
    make: bool = False,
    selection: str | None = None,
) -> Workload:
    """TPC-H on a dataset.

    Parameters
    ----------
    settings
        What says where the dataset of a scale factor lies.
    scale_factor
        Its size, if ``dataset`` is None.
    dataset
        Where it lies: a URI, or a path from the working directory.
    make
        Whether the dataset of a scale factor is generated where there is none.
    selection
        The queries that will be wanted: what is wrong in it is said before an hour of generation.

    Raises
    ------
    DatasetError
        If there is no whole dataset of this version, or it cannot be made.
    QueryError
        If there is no such query.
    """
    select_queries(queries(), selection)
    if dataset is not None:
        return open_workload(absolute_uri(dataset), settings)
    size = 1.0 if scale_factor is None else scale_factor
    uri = dataset_uri(settings, size)
    if make:
        with generation_progress() as progress:
            generate(size, uri, storage_options=settings.storage_options(uri), progress=progress)
    return open_workload(uri, settings)


def clash(
    spelled: Callable[[str], str],
    *,
    own: object,
    catalog: object,
    scale_factor: float | None,
    dataset: object,
) -> str | None:
    """Why a workload of one's own and TPC-H's are not asked for together; None if they are not.

    Parameters
    ----------
    spelled
        How whoever asks writes the name of a parameter: ``scale_factor``, or ``--scale-factor``.
    own, catalog
        The workload of his own and its tables, or None.
    scale_factor, dataset
        TPC-H's size and place, or None.
    """
    size, place = spelled("scale_factor"), spelled("dataset")
    if own is not None and (scale_factor is not None or dataset is not None):
        return f"{spelled('workload')} goes without {size} and {place}"
    if own is None and catalog is not None:
        return f"{spelled('catalog')} goes with {spelled('workload')}"
    if scale_factor is not None and dataset is not None:
        return f"expected either {size} or {place}"
    return None


def recorded_workload(run: Run, settings: Settings) -> Workload:
    """The workload that a run measured, as it is now.

    Raises
    ------
    ResultsError
        If its queries were in a program and in no file.
    NeuralakeError
        If it cannot be opened any more.
    """
    header, facts = run.header, run.header.dataset
    if "directory" in facts:
        return open_directory(Path(facts["directory"]), facts["catalog"], settings)
    if facts.get("queries") == GIVEN:
        raise ResultsError(
            f"run {header.id} measured queries or tables of a Python program: resume it there, "
            f"with open_run({header.id!r}).resume(…), to which they are given"
        )
    return open_workload(header.dataset_uri, settings)
