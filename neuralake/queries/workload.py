"""A workload: queries, the tables they need, and how their answers are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.errors import QueryError
from neuralake.queries.answers import Answer
from neuralake.queries.query import Query


def no_reference(_query: Query, _result: pa.Table) -> Answer | None:
    """For workloads without known answers: engines are compared with one another."""
    return None


@dataclass(frozen=True)
class Workload:
    """What is run.

    Attributes
    ----------
    name
        Such as ``tpch``.
    dataset_uri
        Where the tables lie.
    scale_factor
        Size of the dataset, or None where that has no meaning.
    queries
        In the order in which they run.
    tables
        By the name that the SQL uses.
    dataset
        What identifies the dataset (its manifest's facts), as recorded in the result.
    reference
        The known answer to a query, or None; it is given the result, whose column types say how
        the known answer is to be read.
    """

    name: str
    dataset_uri: str
    scale_factor: float | None
    queries: tuple[Query, ...]
    tables: Mapping[str, Table]
    dataset: Mapping[str, Any] = field(default_factory=dict)
    reference: Callable[[Query, pa.Table], Answer | None] = no_reference


def select_queries(queries: Sequence[Query], selection: str | None) -> tuple[Query, ...]:
    """The queries of a selection such as ``1,6,9-12`` or ``q01,q06``; all of them for None.

    Raises
    ------
    QueryError
        If a query is unknown or the selection cannot be read.
    """
    if selection is None:
        return tuple(queries)
    by_name = {query.name: query for query in queries}
    chosen: dict[str, Query] = {}
    for part in (part.strip() for part in selection.split(",")):
        for name in _names(part):
            if name not in by_name:
                raise QueryError(
                    f"unknown query {part!r}: there are {queries[0].name} to {queries[-1].name}; "
                    "expected such as 1,6,9-12"
                )
            chosen[name] = by_name[name]
    return tuple(chosen.values())


def _names(part: str) -> list[str]:
    first, dash, last = part.partition("-")
    if dash and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < 1000:
        return [_name(number) for number in range(int(first), int(last) + 1)]
    return [_name(int(part)) if part.isdecimal() and len(part) < 4 else part]


def _name(number: int) -> str:
    return f"q{number:02d}"
