"""asv's results as they lie on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from neuralake.errors import HistoryError
from neuralake.history.asv import read_asv
from neuralake.history.records import Omission
from tests.history.make import benchmark, row, write_benchmarks, write_results

COMMIT, OTHER = "a" * 40, "b" * 40
LATENCY = "streams.Latency.track_latency"
PARAMS = (("polars", "spark"), ("q01", "q02"))
FOUR = [[0.1, 0.2, 0.3], [1.0], [2.0, 2.5], [4.0]]


@pytest.fixture
def asv(tmp_path: Path) -> Path:
    write_benchmarks(tmp_path, benchmark(LATENCY, "seconds", "engine", "query"))
    return tmp_path


def test_each_combination_of_parameters_is_a_measurement(asv: Path) -> None:
    write_results(asv, COMMIT, {LATENCY: row(FOUR, PARAMS)})
    found, omitted = read_asv(asv)
    assert omitted == []
    assert [(m.key.engine, m.key.query, m.value) for m in found] == [
        ("polars", "q01", 0.2),
        ("polars", "q02", 1.0),
        ("spark", "q01", 2.25),
        ("spark", "q02", 4.0),
    ]
    first = found[0]
    assert (first.commit, first.unit, first.samples) == (COMMIT, "seconds", (0.1, 0.2, 0.3))
    assert first.key.machine == "desk"
    assert first.key.environment == "Python 3.11, polars 2.1.0"
    assert first.interval is not None
    assert (first.interval.low, first.interval.high) == (0.1, 0.3)


def test_without_samples_the_interval_is_asv_s(asv: Path) -> None:
    write_results(asv, COMMIT, {LATENCY: row(FOUR, PARAMS, keep=False)})
    found, _ = read_asv(asv)
    assert found[0].samples == ()
    assert found[0].interval is not None
    assert found[0].interval.confidence == 0.99


def test_failed_skipped_and_endless_values_are_left_out_and_said(asv: Path) -> None:
    results = row(FOUR, PARAMS)
    results[0] = [0.2, None, float("nan"), float("inf")]
    path = write_results(asv, COMMIT, {LATENCY: results})
    assert "NaN" in path.read_text()  # as asv writes it, which is no JSON
    found, omitted = read_asv(asv)
    assert [m.value for m in found] == [0.2]
    assert omitted == [Omission(f"values of {LATENCY} that failed or were skipped", 3)]


def test_a_benchmark_that_failed_whole_is_left_out(asv: Path) -> None:
    results = row(FOUR, PARAMS)
    results[0] = None
    write_results(asv, COMMIT, {LATENCY: results})
    assert read_asv(asv)[0] == []


def test_a_benchmark_without_parameters(asv: Path) -> None:
    name = "generator.Generation.track_seconds"
    write_benchmarks(asv, benchmark(name))
    write_results(asv, COMMIT, {name: row([[3.0]])})
    (found,), _ = read_asv(asv)
    assert (found.key.label, found.value) == (name, 3.0)


def test_other_parameters_keep_their_names(asv: Path) -> None:
    name = "streams.Throughput.track_seconds"
    write_benchmarks(asv, benchmark(name, "seconds", "engine", "streams"))
    write_results(asv, COMMIT, {name: row([[3.0], [4.0]], (("polars",), (1, 2)))})  # type: ignore[arg-type]
    found, _ = read_asv(asv)
    assert [m.key.label for m in found] == [f"polars streams={n} {name}" for n in (1, 2)]


def test_environments_and_machines_are_kept_apart(asv: Path) -> None:
    for polars in ("2.0.0", "2.1.0"):
        write_results(asv, COMMIT, {LATENCY: row(FOUR, PARAMS)}, polars=polars)
    write_results(asv, COMMIT, {LATENCY: row(FOUR, PARAMS)}, machine="lap")
    found, _ = read_asv(asv)
    assert len({m.key for m in found}) == 12


def test_results_of_code_that_has_changed_are_left_out(asv: Path) -> None:
    write_results(asv, COMMIT, {LATENCY: row(FOUR, PARAMS, version="0")})
    found, omitted = read_asv(asv)
    assert found == []
    assert omitted == [Omission(f"results of {LATENCY} as it was before its code changed", 1)]


def test_results_of_a_benchmark_that_is_gone_are_left_out(asv: Path) -> None:
    write_results(asv, COMMIT, {"old.time_it": row([[1.0]])})
    found, omitted = read_asv(asv)
    assert found == []
    assert omitted == [Omission("results of old.time_it, which benchmarks.json does not know", 1)]


def test_nothing_in_a_file_is_evaluated(asv: Path) -> None:
    evil = "__import__('os').abort()"
    results = row([[1.0]], (("polars",), ("q01",)))
    results[1] = [[evil], ["'q01'"]]
    write_results(asv, COMMIT, {LATENCY: results})
    assert read_asv(asv)[0][0].key.engine == evil


def left_out(asv: Path) -> str:
    """Why a file is left out, of which the others are read."""
    write_results(asv, OTHER, {LATENCY: row(FOUR, PARAMS)})
    found, (omission,) = read_asv(asv)
    assert {measurement.commit for measurement in found} == {OTHER}
    assert omission.count == 1
    return omission.reason


@pytest.mark.parametrize("version", [1, 3, None, "2"])
def test_another_version_of_the_format_is_left_out(asv: Path, version: Any) -> None:
    path = write_results(asv, COMMIT, {}, version=version)
    assert re.search(rf"{path.name} have format version {version}: .* 2", left_out(asv))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "\ufffe", "[" * 100_000, '{"version": 2}', '{"version": 2, "results": []}'],
)
def test_a_corrupt_file_is_named(asv: Path, content: str) -> None:
    path = write_results(asv, COMMIT, {})
    path.write_text(content)
    assert f"{path.name} are corrupt" in left_out(asv)


@pytest.mark.parametrize("place", [0, 1, 11])
def test_a_corrupt_row_is_named(asv: Path, place: int) -> None:
    results = row(FOUR, PARAMS)
    results[place] = {"a": 1}
    path = write_results(asv, COMMIT, {LATENCY: results})
    assert f"{path.name} are corrupt" in left_out(asv)


def test_a_huge_product_of_parameters_costs_nothing(asv: Path) -> None:
    results = row([[1.0]], [[str(i) for i in range(1000)] for _ in range(5)])
    write_results(asv, COMMIT, {LATENCY: results})
    assert len(read_asv(asv)[0]) == 1


def test_without_its_benchmarks_it_is_no_asv_directory(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be read"):
        read_asv(tmp_path)


def test_other_files_and_directories_are_no_results(asv: Path) -> None:
    write_results(asv, COMMIT, {LATENCY: row(FOUR, PARAMS)})
    (asv / "notes").mkdir()
    (asv / "notes" / "x.json").write_text("no JSON")
    (asv / "desk" / "x.txt").write_text("no JSON")
    assert len(read_asv(asv)[0]) == 4
    assert json.loads((asv / "desk" / "machine.json").read_text())["machine"] == "desk"
