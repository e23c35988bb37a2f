"""A generated dataset as a workload, and its tables as a catalog."""

from __future__ import annotations

from neuralake.catalog.catalog import Catalog, Database
from neuralake.config import Settings, join_uri
from neuralake.queries.workload import Workload
from neuralake.tpch.manifest import load_manifest
from neuralake.tpch.scale import check_scale_factor
from neuralake.tpch.tables import at
from neuralake.tpch.workload import workload


def dataset_uri(settings: Settings, scale_factor: float) -> str:
    """Where the dataset of a scale factor lies unless said otherwise.

    Raises
    ------
    DatasetError
        If no dataset can have the scale factor.
    """
    check_scale_factor(scale_factor)
    return settings.uri(join_uri("tpch", f"sf{scale_factor:g}"))


def dataset_catalog(uri: str, settings: Settings) -> Catalog:
    """The tables of a dataset, which need not be there yet."""
    tables = tuple(at(uri, settings.storage_options(uri)).values())
    return Catalog((Database("tpch", tables, "TPC-H (clause 1.4)."),))


def open_workload(uri: str, settings: Settings) -> Workload:
    """The workload on an existing dataset.

    Raises
    ------
    DatasetError
        If there is no whole dataset of this version at the URI.
    """
    manifest = load_manifest(uri)
    tables = at(uri, settings.storage_options(uri))
    return workload(uri, manifest.scale_factor, tables, manifest.facts())
