"""The workload of a plan: TPC-H, or queries and tables of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neuralake.catalog.load import load_catalog
from neuralake.config import Settings
from neuralake.errors import LifecycleError
from neuralake.queries.directory import CATALOG_FILE, open_directory
from neuralake.queries.workload import Workload
from neuralake.results.lifecycle.records import LifecycleHeader
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.lifecycle.texts import read_plan_text, scenario_text


def plan_text(path: Path | None, scenario: str | None) -> tuple[str, str]:
    """The TOML of a plan, and where it is from.

    Parameters
    ----------
    path
        Its file, or None.
    scenario
        Name of a plan that comes with Neuralake, where there is no file.

    Raises
    ------
    LifecycleError
        If it cannot be read, or there is none of that name.
    """
    if path is not None:
        return read_plan_text(path), str(path.absolute())
    if scenario is None:
        raise LifecycleError("there is no plan: expected a file, or the name of a scenario")
    return scenario_text(scenario), scenario


def open_own(directory: Path, catalog: str | None, settings: Settings) -> Workload:
    """A workload of one's own, with all tables of its catalog: a plan may change any of them.

    Parameters
    ----------
    directory, catalog, settings
        As of :func:`neuralake.queries.directory.open_directory`.

    Raises
    ------
    QueryError, CatalogError
        As it raises.
    """
    workload = open_directory(directory, catalog, settings)
    tables = load_catalog(catalog or str(directory / CATALOG_FILE), settings).tables()
    more = {name: table for name, table in tables.items() if name not in workload.tables}
    return replace(workload, tables={**workload.tables, **more})


def recorded_workload(header: LifecycleHeader, settings: Settings) -> Workload:
    """The workload that a run began with, as it is now."""
    facts = header.dataset
    if "directory" in facts:
        return open_own(Path(facts["directory"]), facts["catalog"], settings)
    return open_workload(header.dataset_uri, settings)
