"""The orders of appendix A, and that the asv suite has them whatever commit it measures."""

from __future__ import annotations

import pytest

from benchmarks.asv.plan import QUERIES
from benchmarks.asv.worker import stream_orders
from neuralake.errors import ParameterError
from neuralake.tpch.streams import ORDERINGS, ordering


def test_each_stream_runs_all_queries_in_an_order_of_its_own() -> None:
    orders = [ordering(stream) for stream in range(len(ORDERINGS))]
    assert len(set(orders)) == len(orders) == 41
    assert all(sorted(order) == list(QUERIES) for order in orders)


def test_they_are_those_of_appendix_a() -> None:
    assert " ".join(ordering(0)[:8]) == "q14 q02 q09 q20 q06 q17 q18 q08"
    assert " ".join(ordering(1)[-6:]) == "q14 q19 q09 q22 q01 q04"
    assert " ".join(ordering(40)[:6]) == "q13 q15 q17 q01 q22 q11"


@pytest.mark.parametrize("stream", [-1, 41, 1000])
def test_a_stream_that_appendix_a_has_not_is_refused(stream: int) -> None:
    with pytest.raises(ParameterError, match=f"stream {stream} has no ordering: expected 0"):
        ordering(stream)


def test_the_asv_suite_runs_the_same_orders_without_the_package() -> None:
    assert [tuple(order) for order in stream_orders()] == [
        ordering(stream) for stream in range(len(ORDERINGS))
    ]
