"""Repositories and asv results made by hand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuralake.history.analysis import Criteria, analyse
from neuralake.history.records import Commit, History, Key, Omission, Point, Series

ENGINES = ("polars", "spark")
QUERIES = ("q01", "q02")
COLUMNS = [
    *("result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"),
    *("stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"),
]
SAMPLES = 5


def git(repository: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def make_repository(directory: Path, commits: int) -> list[str]:
    """A repository with some commits; their hashes, oldest first."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", "--initial-branch", "main")
    for number in range(commits):
        git(directory, "commit", "--quiet", "--allow-empty", "--message", f"Change number {number}")
    return git(directory, "rev-list", "--reverse", "HEAD").splitlines()


def benchmark(name: str, unit: str = "seconds", *names: str, version: str = "1") -> dict[str, Any]:
    """An entry of benchmarks.json."""
    return {
        "code": "pass",
        "name": name,
        "param_names": list(names),
        "params": [],
        "type": "track",
        "unit": unit,
        "version": version,
    }


def row(
    samples: Sequence[Sequence[float]],
    params: Sequence[Sequence[str]] = (),
    *,
    version: str = "1",
    keep: bool = True,
) -> list[Any]:
    """A row of a result file: one list of samples a combination of parameters."""
    entries: dict[str, Any] = {
        "result": [float(np.median(s)) if len(s) else None for s in samples],
        "params": [[repr(value) for value in values] for values in params],
        "version": version,
        "started_at": 1_800_000_000_000,
        "duration": 3.0,
        "stats_ci_99_a": [min(s) if len(s) else None for s in samples],
        "stats_ci_99_b": [max(s) if len(s) else None for s in samples],
        "samples": [list(s) for s in samples] if keep else None,
    }
    found = [entries.get(column) for column in COLUMNS]
    while found[-1] is None:
        found.pop()
    return found


def write_benchmarks(directory: Path, *benchmarks: Mapping[str, Any], version: int = 2) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    content = {entry["name"]: entry for entry in benchmarks} | {"version": version}
    (directory / "benchmarks.json").write_text(json.dumps(content))


def write_results(
    directory: Path,
    commit: str,
    results: Mapping[str, Sequence[Any]],
    *,
    machine: str = "desk",
    polars: str = "2.1.0",
    version: int = 2,
) -> Path:
    """A result file as asv 0.6.6 writes it, with NaN as asv writes it."""
    home = directory / machine
    home.mkdir(parents=True, exist_ok=True)
    (home / "machine.json").write_text(json.dumps({"machine": machine, "version": 1}))
    path = home / f"{commit[:8]}-virtualenv-py3.11-polars{polars}.json"
    content = {
        "commit_hash": commit,
        "env_name": f"virtualenv-py3.11-polars{polars}",
        "date": 1_800_000_000_000,
        "params": {"machine": machine, "cpu": "A processor", "polars": polars, "python": "3.11"},
        "python": "3.11",
        "requirements": {"polars": polars},
        "env_vars": {},
        "result_columns": COLUMNS,
        "results": dict(results),
        "durations": {},
        "version": version,
    }
    path.write_text(json.dumps(content))
    return path


def write_latencies(
    directory: Path,
    commits: Sequence[str],
    latency_s: Callable[[int, str, str], float],
    *,
    noise: float = 0.02,
    drift: Callable[[int], float] | None = None,
    seed: int = 0,
) -> None:
    """Latencies of two queries on two engines; with a drift, of an anchor beside them too.

    The machine's drift multiplies all that is measured; each sample has its own noise.
    """
    generator = np.random.default_rng(seed)
    names = ["streams.Latency.track_latency"]
    if drift is not None:
        names.append("streams.Anchor.track_latency")
    write_benchmarks(directory, *(benchmark(n, "seconds", "engine", "query") for n in names))
    for number, commit in enumerate(commits):
        results = {}
        for name in names:
            places = [(engine, query) for engine in ENGINES for query in QUERIES]
            samples = [
                (
                    (latency_s(number, *place) if "Latency" in name else 1.0)
                    * (drift(number) if drift else 1)
                    * np.exp(noise * generator.standard_normal(SAMPLES))
                ).tolist()
                for place in places
            ]
            results[name] = row(samples, (ENGINES, QUERIES))
        write_results(directory, commit, results)


def made_series(
    levels: Sequence[tuple[int, float]],
    *,
    key: Key | None = None,
    unit: str = "seconds",
    higher_is_better: bool = False,
    anchor: str | None = None,
    subject: str = "Change something",
    seed: int = 1,
) -> Series:
    """A series of some levels, each with its length."""
    generator = np.random.default_rng(seed)
    values = [
        level * float(np.exp(0.02 * generator.standard_normal()))
        for length, level in levels
        for _ in range(length)
    ]
    points = tuple(
        Point(Commit(f"{number:040x}", number, subject), value, 0.97 * value, 1.04 * value)
        for number, value in enumerate(values)
    )
    name = key or Key("streams.Latency.track_latency", "polars", "q01", machine="desk")
    return Series(name, unit, higher_is_better, anchor, points)


def made_history(*series: Series) -> History:
    """The history of some series."""
    return analyse(series, [Omission("values that were left out", 3)], Criteria())


def nasty_history() -> History:
    """Names from elsewhere that are markup, formulae, escape sequences and very long."""
    evil = '<script>alert("x")</script> $\\frac{a}{b}$ \x1b[31m'
    keys = [
        Key(evil, evil, evil, (evil,), evil, evil),
        Key("x" * 300, "e" * 300, "q" * 300),
        Key("b", "polars", "q01"),
    ]
    levels = [(12, 1.0), (12, 1.5), (4, 0.01)]
    return made_history(*(made_series(levels, key=key, subject=evil, unit=evil) for key in keys))
