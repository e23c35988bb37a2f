"""Comparisons are listed, shown, exported and reported as runs are."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from neuralake.errors import ResultsError
from neuralake.results.comparison import Comparison, Pair
from neuralake.results.comparisons import (
    ComparisonStore,
    find_result,
    is_comparison,
    load_comparison,
    stand_alone,
)
from neuralake.results.pairs import PAIRS, PairJournal
from neuralake.results.store import RunStore
from tests.conftest import Cli
from tests.report.comparison.make import made_comparison, slower_engine, unchanged_engine
from tests.results.make import run, sample


def stored(root: Path, comparison: Comparison) -> Path:
    """A comparison as neuralake compare leaves it."""
    directory = root / "comparisons" / comparison.id
    directory.mkdir(parents=True)
    (directory / "comparison.json").write_bytes(msgspec.json.encode(comparison))
    with PairJournal(directory / PAIRS) as journal:
        journal.append([Pair("datafusion", "q01", 0, 0, 10, 20, 1, 2, base_first=True)])
    return directory


def stored_run(root: Path, name: str) -> Path:
    directory = root / "runs" / name
    directory.mkdir(parents=True)
    made = run([sample("polars", "q01")], engines=["polars"], id=name)
    (directory / "run.json").write_bytes(msgspec.json.encode(made))
    (directory / "journal.jsonl").touch()
    return directory


def named(name: str) -> Comparison:
    return replace(made_comparison(slower_engine()), id=name)


def test_a_comparison_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = made_comparison(slower_engine(), unchanged_engine())
    assert load_comparison(stored(tmp_path, made)) == made


def test_a_part_that_is_all_that_there_is_takes_the_place_of_the_whole(tmp_path: Path) -> None:
    whole = tmp_path / "comparisons" / "20260101-a"
    part = stored(whole, replace(named("counted"), finished_at=None))
    part = part.rename(whole / "counted")
    (whole / "comparisons").rmdir()
    found = stand_alone(load_comparison(part), part)
    assert ComparisonStore(tmp_path).ids() == ["20260101-a"]
    assert load_comparison(find_result(RunStore(tmp_path), "20260101-a")) == found
    assert found.id == "20260101-a"
    assert sorted(path.name for path in whole.iterdir()) == ["comparison.json", PAIRS]
    (overview,) = ComparisonStore(tmp_path).overview()
    assert overview.state == "interrupted"


def test_a_name_means_a_run_or_a_comparison(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    first, second = (stored(tmp_path, named(name)) for name in ("20260101-a", "20260102-b"))
    ran = stored_run(tmp_path, "20260102-c")
    assert find_result(store, "20260101") == first
    assert find_result(store, "20260102-b") == second
    assert find_result(store, str(second)) == second
    assert find_result(store, "20260102-c") == find_result(store, "latest") == ran
    assert [is_comparison(d) for d in (first, second, ran)] == [True, True, False]
    for name in ("2026", "20260102"):
        with pytest.raises(ResultsError, match="is not unique: it begins"):
            find_result(store, name)
    with pytest.raises(ResultsError, match="no run 'nothing'"):
        find_result(store, "nothing")
    with pytest.raises(ResultsError, match="no run ''"):
        find_result(store, "")


def test_a_document_that_cannot_be_read_says_why_in_the_list(tmp_path: Path) -> None:
    for name, text, said in (
        ("a", "{", "is corrupt"),
        ("b", '{"schema_version": 99}', "has schema version 99"),
    ):
        directory = tmp_path / "comparisons" / name
        directory.mkdir(parents=True)
        (directory / "comparison.json").write_text(text)
        with pytest.raises(ResultsError, match=said):
            load_comparison(directory)
        assert said in ComparisonStore(tmp_path).overview()[-1].state


def test_the_commands_know_comparisons(typed: Cli, tmp_path: Path) -> None:
    directory = stored(tmp_path / "results", made_comparison(slower_engine("datafusion")))
    name = directory.name
    listed = typed("results", "list")
    assert name in listed.stdout
    assert "regression" in listed.stdout
    (told,) = json.loads(typed("results", "list", "--json").stdout)
    assert (told["id"], told["base"], told["regressed"]) == (name, "main", True)
    shown = typed("results", "show", name[:8])
    assert "▲ slower" in shown.stdout
    assert json.loads(typed("results", "show", name, "--json").stdout)["id"] == name
    rows = list(csv.DictReader(io.StringIO(typed("results", "export", name).stdout)))
    assert [(row["arm"], row["wall_ns"]) for row in rows] == [("base", "10"), ("candidate", "20")]
    assert typed("report", name).stdout == f"{directory / 'report' / 'index.html'}\n"


def test_runs_and_comparisons_are_not_mixed(typed: Cli, tmp_path: Path) -> None:
    stored(tmp_path / "results", named("a"))
    stored(tmp_path / "results", named("b"))
    stored_run(tmp_path / "results", "r")
    for arguments, said in (
        (("results", "export", "a", "r"), "r is a run, and a a comparison: name either"),
        (("report", "r", "a"), "r is a run, and a a comparison: name either"),
        (("report", "a", "b"), "comparison a has a report of its own: name it alone"),
    ):
        done = typed(*arguments)
        assert done.returncode == 2
        assert done.stderr == f"neuralake: {said}\n"
