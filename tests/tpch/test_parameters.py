"""Parameters are those of TPC's qgen, and each fits its query.

``qgen.tsv`` is what qgen 2.17 writes with ``-l``: seed, scale factor, query, parameters.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import DatasetError, ParameterError
from neuralake.tpch.parameters import LARGEST_SEED, QueryParameters, parameters, stream_seed
from neuralake.tpch.streams import ORDERINGS, ordering
from neuralake.tpch.workload import queries
from tests.conftest import Cli

LOG = [
    line.split("\t")
    for line in (Path(__file__).parent / "qgen.tsv").read_text("utf-8").splitlines()
]
QUERIES = {query.name: query for query in queries()}
SEEDS = st.integers(1, LARGEST_SEED).filter(lambda seed: seed % (2**31 - 1) != 0)


def texts(query: QueryParameters) -> list[str]:
    """As qgen logs them: a list in as many fields as it has values."""
    return [text for value in query.values.values() for text in value.split(", ")]


@pytest.mark.parametrize(("seed", "scale"), sorted({(line[0], line[1]) for line in LOG}))
def test_they_are_what_qgen_draws_in_the_order_of_any_stream(seed: str, scale: str) -> None:
    logged = {f"q{int(line[2]):02d}": line[3:] for line in LOG if line[:2] == [seed, scale]}
    for stream in range(len(ORDERINGS)):
        drawn = parameters(int(seed), stream, float(scale))
        assert tuple(query.query for query in drawn) == ordering(stream)
        found = {query.query: texts(query) for query in drawn}
        assert {name: found[name] for name in logged} == logged


def test_the_log_has_seeds_of_all_sizes() -> None:
    assert len(LOG) == 9 * 22 + 3
    assert {int(line[0]) for line in LOG} >= {1, 2**31 - 2, 2**31, LARGEST_SEED}


@given(seed=SEEDS, stream=st.integers(0, 40), scale=st.floats(0.001, 100_000))
def test_they_bind_to_the_queries(seed: int, stream: int, scale: float) -> None:
    for drawn in parameters(seed, stream, scale):
        query = QUERIES[drawn.query]
        assert set(drawn.values) == {parameter.name for parameter in query.parameters}
        assert ":" not in query.sql(drawn.values).replace("::", "")


@given(seed=SEEDS)
def test_what_must_differ_does(seed: int) -> None:
    drawn = {query.query: query.values for query in parameters(seed, 0, 1)}
    assert drawn["q07"]["nation1"] != drawn["q07"]["nation2"]
    assert drawn["q12"]["shipmode1"] != drawn["q12"]["shipmode2"]
    assert len(set(drawn["q16"]["sizes"].split(", "))) == 8
    assert len(set(drawn["q22"]["codes"].split(", "))) == 7


def test_a_run_gives_each_stream_a_seed_of_its_own() -> None:
    assert [stream_seed(42, stream) for stream in (0, 1, 2)] == [42, 43, 44]
    with pytest.raises(ParameterError, match="seed 2147483647 is a multiple"):
        stream_seed(2**31 - 3, 2)


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        (0, "seed 0 is out of range"),
        (-1, "seed -1 is out of range"),
        (LARGEST_SEED + 1, "expected a whole number from 1 to 548781581296767"),
        (2**31 - 1, "expected another, such as 2147483648"),
    ],
)
def test_a_seed_that_qgen_cannot_use_is_refused(seed: int, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parameters(seed, 0, 1)


def test_a_stream_or_a_scale_factor_that_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="stream 41 has no ordering"):
        parameters(1, 41, 1)
    with pytest.raises(DatasetError, match="scale factor 0 is out of range"):
        parameters(1, 0, 0)


def test_the_command_prints_a_query_a_line(typed: Cli) -> None:
    done = typed("tpch", "params", "--seed", "1", "--stream", "0", "--scale-factor", "10")
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, 22)
    assert lines[1] == "q02\tsize=38\ttype=STEEL\tregion=ASIA"
    assert "q11\tnation=JAPAN\tfraction=0.0000100000" in lines


def test_the_command_prints_json_in_the_order_of_the_stream(typed: Cli) -> None:
    import json

    said = json.loads(typed("tpch", "params", "--seed=1", "--stream=3", "--json").stdout)
    assert tuple(said) == ordering(3)
    assert said == {query.query: dict(query.values) for query in parameters(1, 3, 1)}
    orders = json.loads(typed("tpch", "ordering", "--stream=3", "--json").stdout)
    assert tuple(orders) == ordering(3)
