"""TPC-H as a workload: 22 queries, one text for all engines, on the tables of one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.queries.query import Query, load_queries
from neuralake.queries.workload import Workload
from neuralake.tpch.answers import OFFICIAL_SCALE_FACTORS, official_answer

if TYPE_CHECKING:
    from neuralake.queries.answers import Answer


def queries(scale_factor: float = 1.0) -> tuple[Query, ...]:
    """q01 … q22 with the validation parameters (TPC-H 2.4) as defaults.

    Parameters
    ----------
    scale_factor
        Q11's fraction depends on it: 0.0001 / SF (2.4.11.3). The official answers at SF 0.01 were
        made with 0.0001, so that a dataset which has official answers is queried with that.
    """
    official = scale_factor in OFFICIAL_SCALE_FACTORS
    return tuple(
        query if official else _with_fraction(query, scale_factor)
        for query in load_queries(files("neuralake.tpch") / "queries")
    )


def workload(
    dataset_uri: str,
    scale_factor: float,
    tables: Mapping[str, Table],
    dataset: Mapping[str, Any],
) -> Workload:
    """The workload on one dataset.

    Parameters
    ----------
    dataset_uri
        Where the tables lie.
    scale_factor
        Of the dataset.
    tables
        The eight tables by name.
    dataset
        Facts of the dataset's manifest, recorded in the result.
    """
    return Workload(
        name="tpch",
        dataset_uri=dataset_uri,
        scale_factor=scale_factor,
        queries=queries(scale_factor),
        tables=tables,
        dataset=dataset,
        reference=partial(_reference, scale_factor=scale_factor),
    )


def _reference(query: Query, result: pa.Table, *, scale_factor: float) -> Answer | None:
    return official_answer(query, result, scale_factor)


def _with_fraction(query: Query, scale_factor: float) -> Query:
    fraction = format(Decimal("0.0001") / Decimal(str(scale_factor)), "f")
    return replace(
        query,
        parameters=tuple(
            replace(p, default=fraction) if p.name == "fraction" else p for p in query.parameters
        ),
    )
