"""The queries of TPC-H under pytest-benchmark: a wrong answer fails, a slow one never does.

Only ``session.execute`` is timed, with garbage collected before and not during it, as
:func:`neuralake.measure.execution.measure` does.
"""

from __future__ import annotations

import gc

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from neuralake.measure.execution import settle
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from tests.performance.conftest import Judge, OpenEngine

ROUNDS = 7
ROUNDS_OF_SPARK = 2  # a query of 10 ms takes it half a second


def collect_garbage() -> None:
    gc.collect()


# which is so if the first answer is wrong, and that failure says enough
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.benchmark(disable_gc=True)
def test_query(
    benchmark: BenchmarkFixture, workload: Workload, engine: OpenEngine, query: Query, judge: Judge
) -> None:
    sql = query.sql()
    first = engine.session.execute(sql)
    benchmark.group = query.name
    benchmark.extra_info |= {
        "engine": engine.name,
        "engine_version": engine.version,
        "scale_factor": workload.scale_factor,
        "rows": first.num_rows,
    }
    judge.verify(query, engine.name, first, benchmark.extra_info)
    settle()
    last = benchmark.pedantic(
        engine.session.execute,
        args=(sql,),
        setup=collect_garbage,
        rounds=ROUNDS_OF_SPARK if engine.name == "spark" else ROUNDS,
    )
    mismatch = compare(Answer.of(last), Answer.of(first), query)
    # by this it is left out of what is saved: a number for a wrong answer does not exist
    benchmark.has_error = mismatch is not None
    assert mismatch is None, f"{engine.name} {query.name} changed its answer: {mismatch}"
