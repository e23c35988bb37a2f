"""What asv calls a regression: slower streams, and not a rate that rises.

Results are synthetic, asv is real: its own classes store them, its own commands judge them.
"""

from __future__ import annotations

import datetime
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.asv.samples import Samples, samples
from tests.asv_suite.conftest import ROOT, Benchmarks
from tests.more import few

SECONDS = "streams.Throughput.track_seconds"
GENERATION = "generator.Generation.track_seconds"
SIZE = "generator.Generation.track_size"
COMMITS = 12


class History:
    """A repository with commits, in the middle of which the speed changes."""

    def __init__(self, root: Path, benchmarks: Benchmarks, factor: float, *, record: bool) -> None:
        self.root = root
        self._benchmarks = benchmarks
        self._record = record
        shutil.copy(ROOT / "asv.conf.json", root)
        (root / "benchmarks").mkdir()
        for name in ("__init__.py", "asv_rates.py"):
            shutil.copy(ROOT / "benchmarks" / name, root / "benchmarks")
        results = root / "results" / "asv"
        (results / "ci").mkdir(parents=True)
        (results / "benchmarks.json").write_text(json.dumps(benchmarks | {"version": 2}))
        (results / "ci" / "machine.json").write_text('{"machine": "ci", "version": 1}')
        self._git("init", "--quiet")
        noise = random.Random(7)
        self.commits = [self._commit(number) for number in range(COMMITS)]
        for number, commit in enumerate(self.commits):
            speed = factor if number >= COMMITS // 2 else 1.0
            times = [speed * noise.gauss(2.0, 0.01) for _ in range(8)]
            self._store(number, commit, times)

    def asv(self, *arguments: str) -> str:
        """Output of an asv command."""
        done = subprocess.run(
            [sys.executable, "-m", "asv", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        return done.stdout

    def marks(self, *options: str) -> dict[str, str]:
        """Mark that ``asv compare`` gives each benchmark between before and after."""
        before, after = self.commits[0], self.commits[-1]
        table = self.asv("compare", *options, before, after)
        rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
        return {row[5].strip(): row[1].strip() for row in rows[1:]}

    def regressions(self) -> set[str]:
        """What the regressions page of ``asv publish`` lists."""
        self.asv("publish", "--no-pull")
        found = json.loads((self.root / ".asv" / "html" / "regressions.json").read_text())
        return {entry[0] for entry in found["regressions"]}

    def _git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", "-C", self.root, *identity, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def _commit(self, number: int) -> str:
        date = f"--date=2026-01-{number + 1:02d}T00:00:00Z"
        self._git("commit", "--quiet", "--allow-empty", date, "--message", str(number))
        return self._git("rev-parse", "HEAD")

    def _store(self, number: int, commit: str, seconds: list[float]) -> None:
        from asv.results import Results

        date = datetime.datetime(2026, 1, number + 1, tzinfo=datetime.UTC).timestamp()
        results = Results({"machine": "ci"}, {}, commit, int(date * 1000), "3.11", "env", {})
        for name, value in {
            SECONDS: samples(seconds),
            GENERATION: samples(seconds),
            SIZE: samples([1e8]),
        }.items():
            results.add_result(*self._result(name, value), record_samples=self._record)
        results.save(str(self.root / "results" / "asv"))

    def _result(self, name: str, value: Samples) -> tuple[dict[str, Any], Any]:
        """A value for the first parameters, and nothing for the others."""
        from asv.runner import BenchmarkResult

        benchmark = self._benchmarks[name]
        size = 1
        for values in benchmark["params"]:
            size *= len(values)
        rest = [None] * (size - 1)
        result = BenchmarkResult(
            result=[True, *[float("nan")] * (size - 1)],
            samples=[value["samples"], *rest],
            number=[value["number"], *rest],
            errcode=0,
            stderr="",
            profile=None,
        )
        return benchmark, result


@pytest.fixture(scope="module", params=few([True, False]), ids=["samples", "intervals"])
def slower(
    request: pytest.FixtureRequest,
    benchmarks: Benchmarks,
    tmp_path_factory: pytest.TempPathFactory,
) -> History:
    """Streams that take twice as long: half the throughput."""
    return History(tmp_path_factory.mktemp("slower"), benchmarks, 2.0, record=request.param)


@pytest.fixture(scope="module")
def faster(benchmarks: Benchmarks, tmp_path_factory: pytest.TempPathFactory) -> History:
    """Streams that take half as long: twice the throughput."""
    return History(tmp_path_factory.mktemp("faster"), benchmarks, 0.5, record=True)


FIRST = "('polars', 1)"


def test_a_throughput_drop_is_worse_to_compare(slower: History) -> None:
    marks = slower.marks()
    assert marks[SECONDS + FIRST] == "+"
    assert marks[GENERATION] == "+"
    assert marks[SIZE] == ""
    assert not [name for name in marks if "per_" in name]


def test_a_throughput_gain_is_better_to_compare(faster: History) -> None:
    marks = faster.marks()
    assert marks[SECONDS + FIRST] == "-"
    assert marks[GENERATION] == "-"
    assert marks[SIZE] == ""
    assert not [name for name in marks if "per_" in name]


def test_the_verdict_is_that_of_the_seconds(slower: History, faster: History) -> None:
    """``asv continuous`` judges by the same table, and exits by whether anything is worse."""
    assert "+" in slower.marks("--only-changed").values()
    assert set(faster.marks("--only-changed").values()) == {"-"}


def test_a_throughput_drop_is_on_the_regressions_page(slower: History) -> None:
    assert slower.regressions() == {SECONDS + FIRST, GENERATION}


def test_a_throughput_gain_is_not_on_the_regressions_page(faster: History) -> None:
    assert faster.regressions() == set()


def published(history: History, benchmark: str) -> list[tuple[int, Any]]:
    """Points of a graph of the published page."""
    history.asv("publish", "--no-pull")
    html = history.root / ".asv" / "html"
    index = json.loads((html / "index.json").read_text())
    assert index["benchmarks"][benchmark]["unit"].startswith(benchmark.rpartition(".")[2][:5])
    assert (html / "graphs" / "summary" / f"{benchmark}.json").is_file()
    (graph,) = (html / "graphs" / "branch-HEAD").rglob(f"{benchmark}.json")
    return [tuple(point) for point in json.loads(graph.read_text())]


def test_queries_per_hour_are_published_and_rise_with_speed(faster: History) -> None:
    points = published(faster, "streams.Throughput.queries_per_hour")
    assert len(points) == COMMITS
    rates = [values[0] for _, values in points]
    assert rates[0] == pytest.approx(22 * 3600 / 2.0, rel=0.02)
    assert rates[-1] == pytest.approx(22 * 3600 / 1.0, rel=0.02)
    assert {value for _, values in points for value in values[1:]} == {None}


def test_bytes_per_second_are_published_and_rise_with_speed(faster: History) -> None:
    points = published(faster, "generator.Generation.bytes_per_second")
    rates = [value for _, value in points]
    assert rates[0] == pytest.approx(1e8 / 2.0, rel=0.02)
    assert rates[-1] == pytest.approx(1e8 / 1.0, rel=0.02)


def test_a_rate_that_rises_is_no_worse_on_the_list_of_changes(faster: History) -> None:
    faster.asv("publish", "--no-pull")
    (summary,) = (faster.root / ".asv/html/graphs/branch-HEAD").rglob("summary.json")
    changes = {row["pretty_name"]: row["change_rev"] for row in json.loads(summary.read_text())}
    assert changes[SECONDS + FIRST], "the list has what is judged"
    assert not [name for name in changes if "per_" in name]
