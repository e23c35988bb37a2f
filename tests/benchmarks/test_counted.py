"""Trials from recorded counts: any two processes make a pair, which a change is told by."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.detection.counted import (
    HERE,
    Counted,
    noise,
    read_counted,
    rows,
    write_counted,
)
from neuralake.results.comparison import Pair
from neuralake.results.comparisons import DOCUMENT
from neuralake.results.pairs import PairJournal
from tests.report.comparison.make import change, made_comparison, made_engine

QUERIES = ("q01", "q02", "q03")


def counted(spread: float, processes: int = 8, rounds: int = 4) -> Counted:
    """Counts that differ from execution to execution."""
    rng = np.random.default_rng(7)
    sizes = np.array([5e6, 2e7, 8e7])
    logs = rng.normal(0, spread, (processes, rounds, len(QUERIES)))
    instructions = np.round(sizes * np.exp(logs))
    return Counted("made", QUERIES, instructions, np.full(processes, 30.0), 2.5)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = counted(0.01)
    found = read_counted(write_counted(made, tmp_path))
    assert (found.name, found.queries, found.round_cpu_s) == ("made", QUERIES, 2.5)
    assert np.array_equal(found.instructions, made.instructions)
    assert np.array_equal(found.cpu_s, made.cpu_s)


def test_a_recording_is_read_from_the_pairs_of_a_comparison(tmp_path: Path) -> None:
    comparison = made_comparison(
        made_engine("polars", change(None, "same work"), processes=2, elapsed_s=80.0),
        by="instructions",
    )
    (tmp_path / DOCUMENT).write_bytes(msgspec.json.encode(comparison))
    with PairJournal(tmp_path / "pairs.jsonl") as journal:
        for process, turn, query in itertools.product(range(2), range(3), ("q01", "q02")):
            if (process, turn, query) != (1, 2, "q02"):  # the last processes were cut short
                count = 1000 + turn
                counts = {"base_instructions": count, "candidate_instructions": count + 5}
                journal.append(
                    [Pair("polars", query, process, turn, 1, 1, None, None, True, **counts)]
                )
    found = read_counted(tmp_path / "pairs.jsonl")
    assert (found.name, found.queries, found.processes) == ("polars", ("q01", "q02"), 2)
    assert found.instructions.tolist() == [
        [[1000, 1000], [1001, 1001], [1002, 1002]],
        [[1005, 1005], [1006, 1006], [1007, 1007]],
    ]
    assert found.cpu_s.tolist() == [40.0, 40.0]


def test_a_query_that_varies_more_is_repeated_as_far_as_it_was_recorded() -> None:
    made = counted(0.0001, rounds=8)
    noisy = made.instructions.copy()
    logs = np.random.default_rng(1).normal(0, 0.05, noisy.shape[:2])
    noisy[:, :, 1] *= np.exp(logs)
    found = replace(made, instructions=noisy)
    assert list(found.repeats(2)) == [1, 4, 1]
    assert list(found.repeats(4)) == [1, 2, 1]
    assert list(found.repeats(8)) == [1, 1, 1]
    recording = found.paired(2)
    first, second = recording.base_s[0], recording.candidate_s[0]
    for turn, place in enumerate((slice(0, 4), slice(4, 8))):
        expected = np.log(noisy[1, place, 1]).mean() - np.log(noisy[0, place, 1]).mean()
        assert np.log(second / first)[turn, 1] == pytest.approx(expected)
    assert recording.unit_s > made.paired(2).unit_s


def test_any_two_processes_are_a_pair_that_runs_at_once() -> None:
    recording = counted(0.001).paired(2)
    assert recording.base_s.shape == (28, 2, 3)
    # as long as one process with so many rounds
    assert recording.unit_s == pytest.approx(30.0 - 2 * 2.5, rel=0.001)
    assert recording.query_s.sum() == pytest.approx(2.5, rel=0.05)
    assert recording.start_s == pytest.approx(20, abs=0.5)


def test_the_noise_is_that_of_the_median_of_the_rounds_of_two() -> None:
    suite, median, greatest = noise(counted(0.001, processes=40, rounds=1).paired(1))
    assert 0.0011 < median <= greatest < 0.0018  # 0.001 · √2
    assert suite < median


def test_what_is_ten_times_the_noise_is_found_and_nothing_else() -> None:
    recording = counted(0.0005).paired(4)
    found = {
        (row.where, round(row.change, 3)): row
        for row in rows(recording, 600, 200, np.random.default_rng(3))
    }
    assert found["nothing", 0.0].alarms < 0.01
    assert found["all", 0.01].suite > 0.99
    assert found["one query", 0.01].queries > 0.95
    assert found["one query", 0.05].seconds <= 600


@pytest.mark.parametrize(
    ("name", "processes", "rounds", "planned"),
    [
        ("polars", 35, 12, 10),
        ("polars-massif", 20, 12, 8),
        ("datafusion-massif", 20, 12, 4),
        ("duckdb-massif", 20, 12, 10),
        ("datafusion", 60, 2, 2),
        ("duckdb", 60, 2, 2),
    ],
)
def test_the_recordings_are_whole(name: str, processes: int, rounds: int, planned: int) -> None:
    found = read_counted(HERE / f"{name}.npz")
    assert found.instructions.shape[1:] == (rounds, 22)
    assert found.planned_rounds() == planned
    assert (found.instructions > 1_000_000).all()
    assert found.processes == len(found.cpu_s) >= processes
