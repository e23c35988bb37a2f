"""A generated dataset as a workload, and its tables as a catalog.

What reads tables is imported by what needs it: ``neuralake generate`` asks where a dataset lies
before its generator starts, and nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuralake.config import join_uri
from neuralake.tpch.scale import check_scale_factor

if TYPE_CHECKING:
    from neuralake.catalog.catalog import Catalog
    from neuralake.config import Settings
    from neuralake.queries.workload import Workload


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
    from neuralake.catalog.catalog import Catalog, Database
    from neuralake.tpch.tables import at

    tables = tuple(at(uri, settings.storage_options(uri)).values())
    return Catalog((Database("tpch", tables, "TPC-H (clause 1.4)."),))


def open_workload(uri: str, settings: Settings) -> Workload:
    """The workload on an existing dataset.

    Raises
    ------
    DatasetError
        If there is no whole dataset of this version at the URI.
    """
    from neuralake.catalog.tables import pinned
    from neuralake.tpch.existing import load_manifest
    from neuralake.tpch.tables import at
    from neuralake.tpch.workload import workload

    manifest = load_manifest(uri, storage_options=settings.storage_options(uri))
    tables = {name: pinned(t) for name, t in at(uri, settings.storage_options(uri)).items()}
    return workload(uri, manifest.scale_factor, tables, manifest.facts())
