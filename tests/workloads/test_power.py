"""The power run on real engines, each in its own process, answers checked."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec
import pytest

from neuralake.config import Settings
from neuralake.measure.hardware import why_not_counted
from neuralake.queries.workload import select_queries
from neuralake.results.journal import read_journal
from neuralake.results.records import Run
from neuralake.results.store import DOCUMENT, JOURNAL, load_run
from neuralake.tpch.workload import queries
from neuralake.workloads.answers import answer_path
from neuralake.workloads.executor import read_answer
from tests.conftest import FAST_ENGINES, Bench, run_bench

ALL = tuple(query.name for query in queries())


def test_every_answer_of_every_engine_is_the_official_one(official_bench: Bench) -> None:
    verdicts = official_bench.verdicts
    assert set(verdicts) == set(product(FAST_ENGINES, ALL))
    assert {v.verdict for v in verdicts.values()} == {"verified"}
    assert {v.against for v in verdicts.values()} == {"official answer"}


def test_each_engine_starts_opens_and_runs_each_query_once_and_then_again(
    official_bench: Bench,
) -> None:
    expected = [
        (engine, phase, query, number)
        for engine in FAST_ENGINES
        for phase, query, number in [
            ("start", None, 0),
            ("open", None, 0),
            *[("first", query, 0) for query in ALL],
            *[("hot", query, 1) for query in ALL],
            *[("hot", query, 2) for query in ALL],
        ]
    ]
    taken = [(s.engine, s.phase, s.query, s.round) for s in official_bench.run.samples]
    assert taken == expected
    assert official_bench.witness.begun == expected


def test_a_sample_is_complete(official_bench: Bench) -> None:
    for sample in official_bench.run.samples:
        assert sample.status == "ok"
        assert sample.message is None
        assert sample.wall_ns is not None
        assert sample.wall_ns > 0
        assert sample.cpu_ns is not None
        assert sample.cpu_ns >= 0
        assert sample.peak_rss_bytes is not None
        assert sample.peak_rss_bytes > 2**20
        assert sample.bytes_read is not None
        assert (sample.instructions is None) == (why_not_counted() is not None)
        assert (sample.digest is None) == (sample.rows is None) == (sample.query is None)


def test_the_document_is_the_journal(official_bench: Bench) -> None:
    from_journal = read_journal(official_bench.directory / JOURNAL)
    document = (official_bench.directory / DOCUMENT).read_bytes()
    assert msgspec.json.decode(document, type=Run) == from_journal == official_bench.run
    assert load_run(official_bench.directory) == official_bench.run


def test_the_observer_is_told_what_the_journal_is_told(official_bench: Bench) -> None:
    assert tuple(official_bench.witness.samples) == official_bench.run.samples
    assert tuple(official_bench.witness.verifications) == official_bench.run.verifications


def test_the_run_knows_its_dataset_machine_and_engines(official_bench: Bench) -> None:
    run = official_bench.run
    assert run.header.scale_factor == 0.01
    assert run.header.queries == ALL
    assert run.header.runs == 2
    assert len(run.header.dataset["sha256"]) == 64
    assert run.header.fingerprint.cores >= 1
    assert run.header.fingerprint.packages["polars"]
    assert run.finished_at is not None
    assert run.elapsed_ns is not None
    for engine in run.engines:
        assert engine.versions[engine.name]
        assert engine.settings


def test_the_answers_of_the_first_runs_are_kept(official_bench: Bench) -> None:
    for engine, query in product(FAST_ENGINES, ALL):
        answer = read_answer(answer_path(official_bench.directory, engine, query))
        (first,) = (
            s
            for s in official_bench.run.samples
            if (s.engine, s.query, s.phase) == (engine, query, "first")
        )
        assert answer.num_rows == first.rows


@pytest.mark.more
@pytest.mark.parametrize(("queries", "number"), [("1,6", 2), (None, 22)])
def test_engines_agree_where_there_is_no_official_answer(
    settings: Settings, dataset_sf0003: Path, queries: str | None, number: int
) -> None:
    run = run_bench(settings, dataset_sf0003, *FAST_ENGINES, queries=queries).run
    assert {v.verdict for v in run.verifications} == {"verified"}
    assert len(run.verifications) == 3 * number
    first = run.verifications[0]
    assert first.against == "agreement with datafusion, duckdb"


def test_an_engine_alone_is_unverified_where_there_is_no_official_answer(
    settings: Settings, dataset_sf0003: Path
) -> None:
    run = run_bench(settings, dataset_sf0003, "polars", queries="1,6").run
    assert [v.verdict for v in run.verifications] == ["unverified", "unverified"]
    assert [v.against for v in run.verifications] == [None, None]


def test_queries_run_in_the_order_asked_for(settings: Settings, dataset_sf001: Path) -> None:
    run = run_bench(settings, dataset_sf001, "duckdb", queries="6,1,3-4").run
    assert run.header.queries == ("q06", "q01", "q03", "q04")
    assert [s.query for s in run.samples[2:6]] == ["q06", "q01", "q03", "q04"]


@pytest.mark.parametrize("query", select_queries(queries(), None), ids=lambda query: query.name)
def test_every_query_promises_its_order_by_columns_that_it_has(
    official_bench: Bench, query: object
) -> None:
    name = getattr(query, "name", "")
    answer = read_answer(answer_path(official_bench.directory, "duckdb", name))
    columns = {key.column for key in getattr(query, "order_by", ())}
    assert columns <= set(answer.column_names)
