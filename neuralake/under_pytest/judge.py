"""Whether the answers that tests get are right: known ones, or what the other engines gave."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.engines.protocol import Session
from neuralake.measure.execution import settle
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


@dataclass(frozen=True)
class OpenEngine:
    """An engine with the tables registered.

    Attributes
    ----------
    name, version
        Of the engine.
    session
        Where queries are run.
    """

    name: str
    version: str
    session: Session


@dataclass
class _Given:
    """An answer that was given, and what the benchmark's record says of it."""

    engine: str
    answer: Answer
    record: dict[str, Any]


class Judge:
    """Says whether an answer is right: the known one, or else what the other engines gave.

    Parameters
    ----------
    workload
        Whose answers are judged.
    """

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._given: dict[str, list[_Given]] = {}

    def verify(self, query: Query, engine: str, result: pa.Table, record: dict[str, Any]) -> None:
        """Fail the test if an answer is wrong, and write into the record how it was checked.

        Raises
        ------
        AssertionError
            If it differs from the known answer, or from one that another engine gave before.
        """
        answer = Answer.of(result)
        known = self._workload.reference(query, result)
        if known is not None:
            mismatch = compare(answer, known, query)
            if mismatch is not None:
                raise AssertionError(f"{engine} {query.name} is wrong: {mismatch}")
            record["verification"] = "official answer"
            return
        record["verification"] = "unverified"
        given = self._given.setdefault(query.name, [])
        for other in given:
            mismatch = compare(answer, other.answer, query)
            if mismatch is not None:
                other.record["verification"] = f"contradicted by {engine}"
                raise AssertionError(
                    f"{engine} {query.name} differs from {other.engine}: {mismatch}"
                )
        for other in given:
            record["verification"] = f"agreement with {other.engine}"
            other.record["verification"] = f"agreement with {engine}"
        given.append(_Given(engine, answer, record))


def measure(
    benchmark: BenchmarkFixture, engine: OpenEngine, query: Query, judge: Judge, *, rounds: int
) -> pa.Table:
    """Time a query under pytest-benchmark: only the call, garbage collected before and not in it.

    Parameters
    ----------
    benchmark
        pytest-benchmark's fixture.
    engine
        That runs it.
    query
        With its parameters' defaults.
    judge
        Of its first answer; the last one must be the same.
    rounds
        Timed executions, after the first, which is not timed.

    Returns
    -------
    pyarrow.Table
        The answer.

    Raises
    ------
    AssertionError
        If an answer is wrong; it then has no time.
    """
    sql = query.sql()
    first = engine.session.execute(sql)
    benchmark.group = query.name
    benchmark.extra_info |= {
        "engine": engine.name,
        "engine_version": engine.version,
        "rows": first.num_rows,
    }
    judge.verify(query, engine.name, first, benchmark.extra_info)
    settle()
    last: pa.Table = benchmark.pedantic(
        engine.session.execute, args=(sql,), setup=_collect_garbage, rounds=rounds
    )
    mismatch = compare(Answer.of(last), Answer.of(first), query)
    # by this it is left out of what is saved: a number for a wrong answer does not exist
    benchmark.has_error = mismatch is not None
    if mismatch is not None:
        raise AssertionError(f"{engine.name} {query.name} changed its answer: {mismatch}")
    return last


def _collect_garbage() -> None:
    gc.collect()
