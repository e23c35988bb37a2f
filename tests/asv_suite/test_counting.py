"""Instructions of a commit's queries, counted in real processes under Valgrind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.asv import counting
from benchmarks.asv.counting import Counted, CountedAll, count, count_all, instrument
from benchmarks.asv.dataset import Dataset, run_module
from benchmarks.asv.measuring import MeasurementError
from benchmarks.asv.plan import CountedPlan
from benchmarks.asv.streams import Instructions

ONE_THREAD = {"target_partitions": "1"}


@pytest.fixture(scope="module")
def dataset(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    answers = tmp_path_factory.mktemp("counted")
    path = storage / "tpch" / "sf0.003"
    run_module("answers", str(path), str(answers))
    return Dataset(path, answers)


@pytest.mark.more  # by default an arm is counted, in tests/arms/test_counted.py
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs Valgrind")
@pytest.mark.parametrize("processes", [1, counting.PROCESSES])
def test_an_execution_counts_alike_again_and_again(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(counting, "PROCESSES", processes)
    plan = CountedPlan("datafusion", ("q06",), 2, ONE_THREAD)
    counted = count(plan, dataset, tmp_path)
    assert counted.failures == {}
    samples = counted.query("q06")
    assert len(samples) == 2 * processes
    assert min(samples) > 1_000_000
    assert max(samples) < 1.1 * min(samples)


@pytest.mark.more
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs Valgrind")
def test_an_engine_that_cannot_start_has_no_count(dataset: Dataset, tmp_path: Path) -> None:
    counted = count(CountedPlan("absent", ("q06",), 2), dataset, tmp_path)
    with pytest.raises(MeasurementError, match="engine: its process ended with status 1"):
        counted.query("q06")


def test_without_valgrind_all_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = count_all({})
    assert found.found == {}
    with pytest.raises(NotImplementedError, match="apt-get install valgrind"):
        Instructions().setup(found, "polars", "q01")


def test_what_was_not_asked_for_is_skipped() -> None:
    plan = CountedPlan("polars", ("q01",), 1)
    cache = CountedAll({"polars": plan}, {"polars": Counted({"q01": [5.0, 6.0]})})
    benchmark = Instructions()
    benchmark.setup(cache, "polars", "q01")
    samples = benchmark.track_instructions(cache, "polars", "q01")
    assert samples == {"samples": [5.0, 6.0], "number": 1}
    for engine, query in (("duckdb", "q01"), ("polars", "q02")):
        with pytest.raises(NotImplementedError, match=f"{engine}, {query} was not asked for"):
            benchmark.setup(cache, engine, query)


def test_a_wrong_answer_has_no_count() -> None:
    with pytest.raises(MeasurementError, match="q01: wrong answer"):
        Counted({"q02": [1.0]}, {"q01": "wrong answer: row 3"}).query("q01")


def test_the_instrument_is_that_of_the_suite() -> None:
    for name in ("massif", "valgrind"):
        parts = Path(str(instrument(name).__file__)).parts
        assert parts[-3:] == ("neuralake", "measure", f"{name}.py")
