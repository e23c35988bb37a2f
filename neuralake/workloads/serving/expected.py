"""What the answer to each request must be, known before anything is measured.

A point query's is a row of the table as it was made. An aggregate's is computed by Arrow's own
grouping; both must be exact, to the last digit of a decimal. TPC-H's is of another engine than any
contestant runs on, and as near as its types and the query allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from neuralake.engines.registry import EngineSpec
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import Query, SortKey
from neuralake.queries.workload import Workload
from neuralake.workloads.query import run_query
from neuralake.workloads.serving.requests import KINDS, Request, Requests

ORACLE = "polars"
_POINT, _AGGREGATE, _TPCH = range(len(KINDS))


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right.

    Attributes
    ----------
    rows
        That it has; None if it cannot be read.
    fault
        What is wrong, or None.
    """

    rows: int | None
    fault: str | None = None


class Expected:
    """Right answers.

    Parameters
    ----------
    requests
        What is asked.
    events
        The table of :mod:`neuralake.workloads.serving.events`.
    tpch
        Answers by the place of the query.
    """

    def __init__(
        self, requests: Requests, events: pa.Table, tpch: Mapping[int, pa.Table] | None = None
    ) -> None:
        self._requests, self._events, self._tpch = requests, events, tpch or {}
        self._groups: dict[int, pa.Table] | None = None

    def table(self, request: Request) -> pa.Table:
        """The answer to a request."""
        if request.kind == _POINT:
            return self._events.slice(request.key, 1 if request.key >= 0 else 0)
        if request.kind == _AGGREGATE:
            if self._groups is None:
                self._groups = _by_code(self._events)
            return self._groups.get(request.key, self._groups[-1])
        return self._tpch[request.key]

    def judge(
        self,
        answers: Sequence[tuple[Request, bytes]],
        read: Callable[[bytes, pa.Schema], pa.Table],
    ) -> list[Verdict]:
        """Whether each answer is right.

        Parameters
        ----------
        answers
            What was asked, and what came back.
        read
            Makes a table of the latter; raises ``ValueError`` if it is none.
        """
        return [self._judge(request, body, read) for request, body in answers]

    def _judge(
        self, request: Request, body: bytes, read: Callable[[bytes, pa.Schema], pa.Table]
    ) -> Verdict:
        expected = self.table(request)
        try:
            actual = read(body, expected.schema)
        except ValueError as error:
            return Verdict(None, f"{self._name(request)}: it cannot be read: {error}")
        if _is_same(actual, expected):
            return Verdict(actual.num_rows)
        try:
            mismatch = compare(Answer.of(actual), Answer.of(expected), self._query(request))
        except Exception as error:  # noqa: BLE001 (columns that cannot be compared at all)
            return Verdict(actual.num_rows, f"{self._name(request)}: {error}")
        if mismatch is not None:
            return Verdict(actual.num_rows, f"{self._name(request)}: {mismatch}")
        if request.kind == _TPCH:  # other engines may compute in other types
            return Verdict(actual.num_rows)
        return Verdict(actual.num_rows, f"{self._name(request)}: {_little(actual, expected)}")

    def _query(self, request: Request) -> Query:
        query = self._requests.query(request)
        if request.kind == _AGGREGATE:
            return replace(query, order_by=(SortKey("device", descending=False),))
        return query

    def _name(self, request: Request) -> str:
        if request.kind == _TPCH:
            return self._requests.query(request).name
        return f"{KINDS[request.kind]} {request.key}"


def tpch_answers(workload: Workload, directory: Path) -> None:
    """Let the oracle answer TPC-H's queries; the answers are kept as files.

    Parameters
    ----------
    workload
        On one dataset.
    directory
        An empty one.
    """
    for place, query in enumerate(workload.queries):
        answer = run_query(query.sql(), EngineSpec(ORACLE), workload.tables)
        with (
            pa.OSFile(str(_file(directory, place)), "wb") as file,
            pa.ipc.new_stream(file, answer.schema) as stream,
        ):
            stream.write_table(answer)


def read_answers(directory: Path, count: int) -> dict[int, pa.Table]:
    """The answers that :func:`tpch_answers` has kept."""
    found = {}
    for place in range(count):
        with pa.OSFile(str(_file(directory, place))) as file, pa.ipc.open_stream(file) as stream:
            found[place] = stream.read_all()
    return found


def _file(directory: Path, place: int) -> Path:
    return directory / f"{place + 1:02d}.arrow"


def _is_same(actual: pa.Table, expected: pa.Table) -> bool:
    """Whether two tables are equal as they stand: the short way, which most answers take."""
    if actual.schema.names != expected.schema.names or actual.num_rows != expected.num_rows:
        return False
    if not all(map(_is_alike, actual.schema.types, expected.schema.types)):
        return False
    try:
        return bool(actual.cast(expected.schema).equals(expected))
    except pa.ArrowException:
        return False


def _little(actual: pa.Table, expected: pa.Table) -> str:
    """What differs of tables that differ by less than engines may: in names, types or digits."""
    if actual.schema.names != expected.schema.names:
        columns = ", ".join(actual.schema.names)
        return f"its columns are {columns}: expected {', '.join(expected.schema.names)}"
    for field in expected.schema:
        found = actual.select([field.name])
        if not _is_same(found, expected.select([field.name])):
            kind = found.schema.types[0]
            said = f"{field.name} ({kind}) is not that of {field.type} to the last digit"
            if not expected.num_rows:
                return said
            return f"{said}: got {found[field.name][0]}, expected {expected[field.name][0]}"
    return "it differs"


def _is_alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether values of two types can be cast into one another, or not at all: none is rounded."""
    kinds = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_integer, pa.types.is_decimal),
    )
    one_is, other_is = ([kind(dtype) for kind in kinds] for dtype in (one, other))
    both_texts = any(one_is[:3]) and any(other_is[:3])
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(other):
        return (one.tz is None) == (other.tz is None)
    return one == other or both_texts or (any(one_is[3:]) and one_is[3:] == other_is[3:])


def _by_code(events: pa.Table) -> dict[int, pa.Table]:
    """The aggregate's answer by code; that of a code which no row has is at -1."""
    grouped = events.group_by(["code", "device"]).aggregate(
        [([], "count_all"), ("amount", "sum"), ("happened_at", "max"), ("account", "min")]
    )
    grouped = grouped.select(
        ["code", "device", "count_all", "amount_sum", "happened_at_max", "account_min"]
    )
    grouped = grouped.rename_columns(["code", "device", "n", "amount", "latest", "account"])
    ordered = grouped.sort_by([("code", "ascending"), ("device", "ascending")])
    codes = ordered["code"].to_pylist()
    answers = {-1: ordered.drop_columns(["code"]).slice(0, 0)}
    start = 0
    for end in range(1, len(codes) + 1):
        if end == len(codes) or codes[end] != codes[start]:
            if codes[start] is not None:
                answers[codes[start]] = ordered.drop_columns(["code"]).slice(start, end - start)
            start = end
    return answers
