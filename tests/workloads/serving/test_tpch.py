"""TPC-H's answers: what one engine says of another's, as Arrow and as JSON."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.config import Settings
from neuralake.queries.workload import Workload, select_queries
from neuralake.results.serving.records import Mix
from neuralake.serving.formats import json_text
from neuralake.serving.service import Service
from neuralake.workloads.opening import open_tpch
from neuralake.workloads.serving.contestants.messages import (
    parse_json,
    stream_of,
    table_of_rows,
    table_of_stream,
)
from neuralake.workloads.serving.expected import Expected, read_answers, tpch_answers
from neuralake.workloads.serving.requests import Request, Requests
from tests.conftest import make_settings

TPCH = 2
# averages of decimals, one sum, a quotient, and an order with a limit
SELECTION = "1,6,14,18"


@pytest.fixture(scope="module")
def workload(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    settings: Settings = make_settings(storage, tmp_path_factory.mktemp("results"))
    whole = open_tpch(settings, 0.01, None)
    return replace(whole, queries=select_queries(whole.queries, SELECTION))


@pytest.fixture(scope="module")
def expected(workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    directory = tmp_path_factory.mktemp("answers")
    tpch_answers(workload, directory)
    answers = read_answers(directory, len(workload.queries))
    requests = Requests(Mix({"tpch": 1.0}), workload.queries)
    return Expected(requests, pa.table({}), answers)


@pytest.fixture(scope="module")
def answered(workload: Workload) -> list[pa.Table]:
    """What Neuralake's service answers."""
    service = Service(workload.tables)
    found = []
    for query in workload.queries:
        answer = service.query(query.sql())
        found.append(pa.Table.from_batches(list(answer), answer.schema))
        answer.close()
    service.close()
    return found


def test_another_engines_answers_are_right_as_arrow_and_as_json(
    expected: Expected, answered: list[pa.Table]
) -> None:
    for place, table in enumerate(answered):
        request = Request(TPCH, place)
        stream = stream_of(table.schema, table.to_batches())
        (verdict,) = expected.judge([(request, stream)], lambda b, _: table_of_stream(b))
        assert verdict.fault is None
        assert verdict.rows == table.num_rows
        text = b"".join(json_text.encode(table.schema, table.to_batches()))
        (verdict,) = expected.judge(
            [(request, text)], lambda b, schema: table_of_rows(parse_json(b), schema)
        )
        assert verdict.fault is None


def test_a_row_less_is_wrong_and_named_by_its_query(
    expected: Expected, answered: list[pa.Table]
) -> None:
    for place, table in enumerate(answered):
        less = table.slice(1)
        stream = stream_of(less.schema, less.to_batches())
        (verdict,) = expected.judge(
            [(Request(TPCH, place), stream)], lambda b, _: table_of_stream(b)
        )
        assert verdict.fault is not None
        assert verdict.fault.startswith(("q01: ", "q06: ", "q14: ", "q18: "))
