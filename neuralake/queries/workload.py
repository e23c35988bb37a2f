"""A workload: queries, the tables they need, and how their answers are checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.errors import QueryError, did_you_mean, shortened
from neuralake.lists import names_in, require_once
from neuralake.queries.query import Query

if TYPE_CHECKING:  # NumPy, and Arrow's functions: who only asks needs neither
    from neuralake.queries.answers import Answer

_NUMBERED = re.compile(r"q?([0-9]{1,6})\Z")
_RANGE = re.compile(r"q?(?P<first>[0-9]{1,6})(?:-q?(?P<last>[0-9]{1,6}))?\Z", re.IGNORECASE)
_NAMES_SHOWN = 10
_CHARACTERS_SHOWN = 40


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

    Parameters
    ----------
    queries
        Those there are, one at least.
    selection
        Names, and numbers and ranges of numbers where names are numbered (``q06`` is 6); a name
        goes before a number.

    Raises
    ------
    QueryError
        If a query is unknown or named twice, or the selection cannot be read.
    """
    if selection is None:
        return tuple(queries)
    by_name = {query.name: query for query in queries}
    if selection in by_name:  # a name may hold a comma
        return (by_name[selection],)
    by_number = _by_number(queries)
    chosen: list[Query] = []
    for part in names_in(selection):
        found = [by_name[part]] if part in by_name else _numbered(part, by_number)
        if not found:
            raise QueryError(
                f"unknown query {shortened(part, _CHARACTERS_SHOWN)!r}: {_what_there_is(queries)}"
                f"{did_you_mean(part, by_name)}"
            )
        chosen += found
    require_once((query.name for query in chosen), "query", QueryError)
    return tuple(chosen)


def _by_number(queries: Sequence[Query]) -> dict[int, Query]:
    """Queries by the number that is their name; two of one number have none."""
    found: dict[int, list[Query]] = {}
    for query in queries:
        if match := _NUMBERED.match(query.name):
            found.setdefault(int(match[1]), []).append(query)
    return {number: same[0] for number, same in found.items() if len(same) == 1}


def _numbered(part: str, by_number: Mapping[int, Query]) -> list[Query]:
    """The queries that a number or a range means; none if one of them is not there."""
    match = _RANGE.match(part)
    if match is None:
        return []
    first = int(match["first"])
    numbers = range(first, int(match["last"] or first) + 1)
    return [by_number[n] for n in numbers] if all(n in by_number for n in numbers) else []


def _what_there_is(queries: Sequence[Query]) -> str:
    first, last = queries[0].name, queries[-1].name
    numbers = list(_by_number(queries))
    if len(numbers) == len(queries) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"there are {first} to {last}; expected such as 1,6,9-12"
    names = [shortened(query.name, _CHARACTERS_SHOWN) for query in queries[:_NAMES_SHOWN]]
    left_out = len(queries) - len(names)
    more = f" and {left_out} more" if left_out else ""
    example = ",".join(names[:2])
    return f"there are {', '.join(names)}{more}; expected names such as {example}"
