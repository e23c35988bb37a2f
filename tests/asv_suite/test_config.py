"""asv.conf.json: engines as they are locked, and benchmarks as they are documented."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import json5
import pytest

from benchmarks import asv as suite
from benchmarks.asv.plan import COUNTED, ENGINES, QUERIES
from tests.asv_suite.conftest import ROOT, Benchmarks

CONFIG = ROOT / "asv.conf.json"
POLARS = ROOT / "asv.polars.conf.json"
RESULTS = ROOT / "results" / "asv"


def config(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json5.loads(path.read_text())
    return loaded


def locked() -> dict[str, set[str]]:
    """Versions in uv.lock; a package can have one for older and one for newer Pythons."""
    versions: dict[str, set[str]] = {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        versions.setdefault(package["name"], set()).add(package.get("version", ""))
    return versions


def test_engines_are_pinned_as_they_are_locked() -> None:
    found = locked()
    for name, versions in config(CONFIG)["matrix"]["req"].items():
        assert len(versions) == 1
        assert set(versions) <= found[name], name


def test_whatever_neuralake_and_its_engines_need_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["datafusion"], *extras["spark"]]
    names = {re.split(r"[<>=]", requirement)[0] for requirement in needed}
    assert set(config(CONFIG)["matrix"]["req"]) == names


def test_the_second_configuration_differs_in_polars_only() -> None:
    one, other = config(CONFIG), config(POLARS)
    (pinned,) = one["matrix"]["req"].pop("polars")
    old, new = other["matrix"]["req"].pop("polars")
    assert one == other
    assert new == pinned
    assert old != new


def test_nothing_but_the_project_is_installed_for_a_commit() -> None:
    for command in (*config(CONFIG)["build_command"], *config(CONFIG)["install_command"]):
        assert {"--no-deps", "--no-index"} <= set(command.split())


def test_every_benchmark_is_documented_and_versioned_by_hand(benchmarks: Benchmarks) -> None:
    documented = re.findall(r"^``([a-z]+\.\w+\.\w+)``", package_doc(), re.MULTILINE)
    assert set(documented) == set(benchmarks)
    reference = (ROOT / "docs/reference/asv-suite.md").read_text()
    for name, benchmark in benchmarks.items():
        assert benchmark["version"] == "1"
        assert benchmark["type"] == "track", "asv repeats no benchmark of this type"
        assert benchmark["setup_cache_timeout"] == 1800
        assert f"`{name}`" in reference


def package_doc() -> str:
    return suite.__doc__ or ""


def test_parameters_are_an_interface(benchmarks: Benchmarks) -> None:
    engines = [repr(engine) for engine in ENGINES]
    assert benchmarks["streams.Latency.track_latency"]["params"] == [
        engines,
        [repr(query) for query in QUERIES],
    ]
    for arm in ("Anchor", "Ratio"):
        other = benchmarks[f"streams.{arm}.track_latency"]
        assert other["params"] == benchmarks["streams.Latency.track_latency"]["params"]
    assert benchmarks["streams.Instructions.track_instructions"]["params"] == [
        [repr(engine) for engine in COUNTED],
        [repr(query) for query in QUERIES],
    ]
    for name in ("Throughput", "AnchorThroughput", "RatioThroughput"):
        assert benchmarks[f"streams.{name}.track_seconds"]["params"] == [engines, ["1", "2", "4"]]


def test_all_streams_come_from_one_run(benchmarks: Benchmarks) -> None:
    caches = {n.split(".")[0]: set[str]() for n in benchmarks}
    for name, benchmark in benchmarks.items():
        caches[name.split(".")[0]].add(benchmark["setup_cache_key"])
    assert {module: len(keys) for module, keys in caches.items()} == {
        "freshness": 1,
        "generator": 1,
        "ingestion": 1,
        "serving": 1,
        "streams": 2,  # those that are timed, and those that are counted
    }


class TestCommittedResults:
    """results/asv: a history that says nothing about who measured it."""

    def files(self) -> list[Path]:
        return [p for p in RESULTS.glob("*/*.json") if p.name != "machine.json"]

    def test_there_is_a_history(self) -> None:
        commits = {json.loads(path.read_text())["commit_hash"] for path in self.files()}
        assert len(commits) >= 5

    def test_they_are_of_these_benchmarks(self, benchmarks: Benchmarks) -> None:
        kept = json.loads((RESULTS / "benchmarks.json").read_text())
        kept.pop("version")
        # one that is newer than the last measurement has no result yet
        assert {n: b["params"] for n, b in kept.items()} == {
            n: b["params"] for n, b in benchmarks.items() if n in kept
        }

    def test_engines_are_those_of_a_configuration(self) -> None:
        known = config(POLARS)["matrix"]["req"]
        for path in self.files():
            for name, version in json.loads(path.read_text())["requirements"].items():
                assert version in known[name]

    @pytest.mark.parametrize("word", [r"/home/", r"/root/", r"/work/", r"/tmp/", r"\.local\b"])
    def test_no_path_of_a_machine_is_in_them(self, word: str) -> None:
        for path in RESULTS.rglob("*.json"):
            assert not re.search(word, path.read_text()), path

    def test_the_machine_has_a_neutral_name(self) -> None:
        names = {path.parent.name for path in RESULTS.glob("*/machine.json")}
        assert names == {"ci-2core"}
