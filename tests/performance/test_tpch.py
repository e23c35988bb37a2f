"""The queries of TPC-H under pytest-benchmark: a wrong answer fails, a slow one never does.

What is timed, :mod:`neuralake.under_pytest` says.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.under_pytest.judge import Judge, OpenEngine, measure

ROUNDS = 5
ROUNDS_OF_SPARK = 2  # a query of 10 ms takes it half a second


# which is so if the first answer is wrong, and that failure says enough
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.benchmark(disable_gc=True)
def test_query(
    benchmark: BenchmarkFixture, workload: Workload, engine: OpenEngine, query: Query, judge: Judge
) -> None:
    benchmark.extra_info["scale_factor"] = workload.scale_factor
    rounds = ROUNDS_OF_SPARK if engine.name == "spark" else ROUNDS
    measure(benchmark, engine, query, judge, rounds=rounds)
