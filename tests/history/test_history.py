"""``neuralake history`` as people use it, on a real repository and results as asv writes them."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from neuralake.history.analysis import Criteria
from neuralake.history.find import find_history
from neuralake.history.records import History
from neuralake.history.series import Chosen
from tests.conftest import Cli
from tests.history.make import (
    benchmark,
    git,
    make_repository,
    row,
    write_benchmarks,
    write_latencies,
    write_results,
)
from tests.results.make import FINGERPRINT, run, sample

LATENCY = "streams.Latency.track_latency"
STEP_AT = 18


def steady(number: int, engine: str, query: str) -> float:
    return 0.4


def slower_polars_q01(number: int, engine: str, query: str) -> float:
    """A step of 12 % in one of four series."""
    is_slow = number >= STEP_AT and (engine, query) == ("polars", "q01")
    return 0.4 * (1.12 if is_slow else 1)


def wandering(number: int) -> float:
    """A machine that is up to 25 % slower for a while."""
    return 1 + 0.25 * math.sin(number / 6)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("repository")
    make_repository(directory, 30)
    return directory


@pytest.fixture(scope="module")
def commits(repository: Path) -> list[str]:
    return git(repository, "rev-list", "--reverse", "HEAD").splitlines()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Results root, where the command line looks."""
    return tmp_path / "results"


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a bad input is refused."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "Traceback" not in line
    return line


def found(root: Path, repository: Path, **chosen: str) -> History:
    return find_history(root, repository, Chosen(**chosen), Criteria())


def said(history: History) -> list[tuple[str, str, int]]:
    """Every change: series, kind, place."""
    return [(a.series.key.place, c.kind, c.index) for a in history.analysed for c in a.changes]


# What is found


def test_a_step_is_found_with_its_range_of_commits(
    root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits, slower_polars_q01)
    history = found(root, repository)
    assert len(history.analysed) == 4
    (change,) = [c for a in history.analysed for c in a.changes]
    assert said(history) == [("polars q01", "regression", STEP_AT)]
    assert change.after.hash == commits[STEP_AT]
    assert change.before.hash == commits[STEP_AT - 1]
    assert change.since.position < STEP_AT <= change.until.position
    assert change.commits == change.until.position - change.since.position
    assert change.low is not None
    assert change.high is not None
    assert change.low < 1.12 < change.high
    assert history.is_regressed


def test_a_drift_that_looks_like_changes_is_none_beside_an_anchor(
    root: Path, repository: Path, commits: list[str], tmp_path: Path
) -> None:
    write_latencies(root / "asv", commits, lambda n, e, q: wandering(n))
    assert said(found(root, repository))
    write_latencies(tmp_path / "anchored" / "asv", commits, steady, drift=wandering)
    history = found(tmp_path / "anchored", repository)
    assert said(history) == []
    assert {a.series.anchor for a in history.analysed} == {"streams.Anchor.track_latency"}


def test_a_step_beneath_a_drift_is_found_beside_an_anchor(
    root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits, slower_polars_q01, drift=wandering)
    assert said(found(root, repository)) == [("polars q01", "regression", STEP_AT)]


@pytest.mark.parametrize(("factor", "kind"), [(0.8, "regression"), (1.25, "improvement")])
def test_a_fall_of_throughput_is_a_regression(
    root: Path, repository: Path, commits: list[str], factor: float, kind: str
) -> None:
    name = "streams.Throughput.track_queries_per_hour"
    write_benchmarks(root / "asv", benchmark(name, "queries/hour", "engine"))
    generator = np.random.default_rng(1)
    for number, commit in enumerate(commits):
        rate = 5000 * (factor if number >= STEP_AT else 1)
        samples = rate * np.exp(0.02 * generator.standard_normal(3))
        write_results(root / "asv", commit, {name: row([samples.tolist()], (("polars",),))})
    history = found(root, repository)
    assert said(history) == [("polars", kind, STEP_AT)]
    assert history.is_regressed is (kind == "regression")


def test_a_rate_that_restates_times_is_judged_once(
    root: Path, repository: Path, commits: list[str]
) -> None:
    rate, times = (f"streams.Throughput.track_{w}" for w in ("queries_per_hour", "seconds"))
    write_benchmarks(root / "asv", benchmark(rate, "queries/hour"), benchmark(times))
    generator = np.random.default_rng(1)
    for number, commit in enumerate(commits):
        elapsed = (1.2 if number >= STEP_AT else 1) * math.exp(0.02 * generator.standard_normal())
        write_results(
            root / "asv", commit, {rate: row([[3600 / elapsed]]), times: row([[elapsed]])}
        )
    history = found(root, repository)
    assert said(history) == [(times, "regression", STEP_AT)]
    assert any(rate in omission.reason for omission in history.omissions)
    assert said(found(root, repository, benchmark=rate)) == [(rate, "regression", STEP_AT)]


def test_noise_over_many_series_is_no_change(
    root: Path, repository: Path, commits: list[str]
) -> None:
    name = "streams.Latency.track_latency"
    write_benchmarks(root / "asv", benchmark(name, "seconds", "engine", "query"))
    generator = np.random.default_rng(7)
    places = (("a", "b", "c"), tuple(f"q{n:02}" for n in range(1, 23)))
    for commit in commits:
        samples = np.exp(0.1 * generator.standard_t(3, (66, 1)))
        write_results(root / "asv", commit, {name: row(samples.tolist(), places)})
    history = found(root, repository)
    assert len(history.analysed) == 66
    assert said(history) == []
    assert history.level == pytest.approx(0.01 / 66)


def test_few_commits_are_too_few_and_it_is_said(
    root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits[-8:], lambda n, e, q: 1.0 if n < 4 else 9.0)
    history = found(root, repository)
    assert said(history) == []
    assert not any(a.is_testable for a in history.analysed)
    assert history.points_needed == 10


def test_commits_that_were_not_measured_count_in_a_range(
    root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits[::2], lambda n, e, q: 1.0 if n < 8 else 1.5)
    (change, *_) = (c for a in found(root, repository).analysed for c in a.changes)
    assert (change.before.hash, change.after.hash) == (commits[14], commits[16])
    assert change.commits == 2


def test_commits_elsewhere_are_left_out_and_said(
    root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", [*commits, "f" * 40], slower_polars_q01)
    history = found(root, repository)
    assert said(history) == [("polars q01", "regression", STEP_AT)]
    assert [(o.reason, o.count) for o in history.omissions] == [
        ("values at commits unknown to this repository", 4)
    ]


def test_results_that_lie_in_two_directories_count_once(
    root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits[:3], steady)
    shutil.copytree(root / "asv" / "desk", root / "asv" / "renamed")
    history = found(root, repository)
    assert [len(a.series.points) for a in history.analysed] == [3] * 4
    (repeated,) = history.omissions
    assert repeated.count == 3 * 4
    assert "at a commit of which another file tells it, too" in repeated.reason


def test_runs_are_a_history_too(root: Path, repository: Path, commits: list[str]) -> None:
    generator = np.random.default_rng(1)
    for number, commit in enumerate(commits):
        wall_s = 0.5 if number >= STEP_AT else 1.0
        samples = [
            sample("polars", "q01", wall_s * math.exp(0.03 * generator.standard_normal()), i)
            for i in (1, 2, 3)
        ]
        home = root / "runs" / f"{number:02}"
        home.mkdir(parents=True)
        fingerprint = replace(FINGERPRINT, commit=commit, dirty=False)
        (home / "journal.jsonl").touch()
        (home / "run.json").write_bytes(
            msgspec.json.encode(run(samples, engines=("polars",), fingerprint=fingerprint))
        )
    assert said(found(root, repository)) == [("polars q01", "improvement", STEP_AT)]


# The command


def test_the_command_prints_a_table_and_writes_a_page(
    typed: Cli, root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits, slower_polars_q01, drift=wandering)
    done = typed("history", "--repo", repository)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 4 series changed: 1 regression, 0 improvements." in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "polars q01" in line]
    assert "regression" in line
    assert commits[STEP_AT][:8] in line
    assert f"Change number {STEP_AT}" in line
    assert "4 series are ratios to the anchor" in done.stdout
    page = (root / "history" / "index.html").read_text()
    assert page.count("<figure") == 4


def test_a_program_may_read_it(
    typed: Cli, root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits, slower_polars_q01)
    done = typed("history", "--repo", repository, "--json", "--to", root / "page")
    content = json.loads(done.stdout)
    assert content["regressed"] is True
    assert content["html"] == str(root / "page" / "index.html")
    changes = [c for a in content["history"]["analysed"] for c in a["changes"]]
    assert [(c["kind"], c["after"]["hash"]) for c in changes] == [("regression", commits[STEP_AT])]


def test_the_exit_status_tells_of_a_regression_when_asked(
    typed: Cli, root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits, slower_polars_q01)
    arguments = ("history", "--repo", repository, "--fail-on-regression")
    assert typed(*arguments).returncode == 1
    assert typed(*arguments, "--engine", "spark").returncode == 0
    assert typed(*arguments[:-1]).returncode == 0


def test_a_regression_that_was_mended_fails_nothing(
    typed: Cli, root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits, lambda n, e, q: 1.3 if 8 <= n < 20 else 1.0)
    done = typed("history", "--repo", repository, "--fail-on-regression")
    assert done.returncode == 0
    assert "4 regressions, 4 improvements" in done.stdout


def test_asv_s_own_directory_will_do(
    typed: Cli, tmp_path: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(tmp_path / "elsewhere", commits, slower_polars_q01)
    done = typed("history", "--repo", repository, "--results", tmp_path / "elsewhere")
    assert "1 regression" in done.stdout


def test_without_matplotlib_the_table_is_there(
    cli: Cli, root: Path, repository: Path, commits: list[str], tmp_path: Path
) -> None:
    write_latencies(root / "asv", commits, slower_polars_q01)
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'matplotlib' else find(name, *rest)\n"
    )
    paths = f"{tmp_path / 'hidden'}:{Path(__file__).parents[2]}"
    done = cli("history", "--repo", repository, environment={"PYTHONPATH": paths})
    assert done.returncode == 0
    assert "1 regression" in done.stdout
    assert "no page: a report needs matplotlib" in done.stderr
    asked = ("history", "--repo", repository, "--to", tmp_path / "page")
    assert "needs matplotlib" in refused(cli(*asked, environment={"PYTHONPATH": paths}))


# What is refused

Spoil = Callable[[Path, Sequence[str]], None]


def _nothing(asv: Path, commits: Sequence[str]) -> None:
    for path in asv.rglob("*.json"):
        path.unlink()


def _corrupt(asv: Path, commits: Sequence[str]) -> None:
    for path in (asv / "desk").glob("*polars*"):
        path.write_text('{"version": 2,')


def _old(asv: Path, commits: Sequence[str]) -> None:
    for commit in commits[:3]:
        write_results(asv, commit, {}, version=1)


def _of_strangers(asv: Path, commits: Sequence[str]) -> None:
    for path in (asv / "desk").glob("*polars*"):
        content: dict[str, Any] = json.loads(path.read_text())
        path.write_text(json.dumps(content | {"commit_hash": "e" * 40}))


def _empty(asv: Path, commits: Sequence[str]) -> None:
    for path in (asv / "desk").glob("*polars*"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (_nothing, "no results in .*results: expected asv/benchmarks.json"),
        (_corrupt, r"the results hold no value: 1 file: asv results .* are corrupt: Expecting pro"),
        (_old, "the results hold no value: .* have format version 1: this Neuralake reads 2"),
        (_of_strangers, "no value is left to analyse .* unknown to this repository"),
        (_empty, "the results hold no value"),
    ],
)
def test_bad_results_are_one_line(
    typed: Cli, root: Path, repository: Path, commits: list[str], spoil: Spoil, line: str
) -> None:
    write_latencies(root / "asv", commits[:3], steady)
    spoil(root / "asv", commits)
    assert re.search(line, refused(typed("history", "--repo", repository)))
    assert not (root / "history").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--benchmark", "nothing*"), "no benchmark matches 'nothing*': there are streams.Latency"),
        (
            ("--engine", "duckdb"),
            "nothing was measured on engine 'duckdb': there are polars, spark",
        ),
        (("--confidence", "1"), "1 is out of range: expected a number from 0.5 to 0.9999"),
        (("--min-change", "-1"), "-1 is out of range: expected a number from 0 to 10"),
        (("--results", "nowhere"), "no results in nowhere"),
        (("--repo", "nowhere"), "no directory nowhere"),
        (("--repo", "."), "not a git repository"),
        (("--to", "."), "is the working directory"),
    ],
)
def test_bad_options_are_one_line(
    typed: Cli,
    root: Path,
    repository: Path,
    commits: list[str],
    arguments: tuple[str, str],
    line: str,
) -> None:
    write_latencies(root / "asv", commits[:3], steady)
    repo = () if arguments[0] == "--repo" else ("--repo", repository)
    assert line in refused(typed("history", *repo, *arguments))


def test_what_cannot_be_read_hides_nothing_that_can_and_is_told(
    typed: Cli, root: Path, repository: Path, commits: list[str]
) -> None:
    write_latencies(root / "asv", commits[:3], steady)
    next((root / "asv" / "desk").glob(f"{commits[0][:8]}*")).write_text('{"version": 2,')
    for number, document in enumerate(
        ('{"header": {"schema_version": 99}}', '{"header": {"schema_version": 1, "kind": "x"}}')
    ):
        home = root / "runs" / f"r{number}"
        home.mkdir(parents=True)
        (home / "journal.jsonl").touch()
        (home / "run.json").write_text(document)
    done = typed("history", "--repo", repository)
    assert (done.returncode, done.stderr) == (0, "")
    for reason in ("1 file: asv results", "1 run: run", "has schema version 99", "is of x, which"):
        assert reason in done.stdout
