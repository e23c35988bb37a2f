"""The fixture neuralake_query in a project of a user's, whose pytest has never heard of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest

from tests.more import few

CATALOG = 'from neuralake.catalog import DeltaTable\nt = DeltaTable(name="t", location={uri!r})\n'
TEST = "def test_query(neuralake_query):\n    assert neuralake_query().num_rows == 1\n"
CONFIGURATION = """\
[pytest]
filterwarnings = error
neuralake_workload = queries
neuralake_engines = polars,duckdb
"""


@dataclass(frozen=True)
class Project:
    """A directory with queries, a catalog and one test."""

    path: Path

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(text)

    def pytest(self, *arguments: str, directory: str = ".") -> subprocess.CompletedProcess[str]:
        foreign = ("NEURALAKE_", "PYTEST_", "COLUMNS", "PYTHONPATH")
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                *("-p", "no:cacheprovider"),
                # what this environment has beside ours, and takes a second to import
                *("-p", "no:xdist", "-p", "no:hypothesispytest"),
                *arguments,
            ],
            cwd=self.path / directory,
            env={k: v for k, v in os.environ.items() if not k.startswith(foreign)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def recorded(self) -> dict[str, dict[str, Any]]:
        """Benchmarks by their parameters, as ``--benchmark-json=out.json`` wrote them."""
        found = json.loads((self.path / "out.json").read_text())["benchmarks"]
        return {item["param"]: item for item in found}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.path.mkdir()
    deltalake.write_deltalake(tmp_path / "t", pa.table({"a": [1, 2, 4]}))
    project.write("queries/catalog.py", CATALOG.format(uri=str(tmp_path / "t")))
    project.write("queries/total.sql", "SELECT sum(a) AS total FROM t")
    project.write("queries/rows.sql", "SELECT count(*) AS n FROM t")
    project.write("tests/test_queries.py", TEST)
    project.write("pytest.ini", CONFIGURATION)
    return project


def test_each_query_on_each_engine_is_a_test_with_a_time(project: Project) -> None:
    done = project.pytest("--benchmark-json=out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = project.recorded()
    assert sorted(found) == ["duckdb-rows", "duckdb-total", "polars-rows", "polars-total"]
    one = found["polars-total"]
    assert one["group"] == "total"
    assert one["options"]["disable_gc"] is True
    assert one["stats"]["rounds"] == 7
    assert one["extra_info"]["verification"] == "agreement with duckdb"
    assert (one["extra_info"]["engine"], one["extra_info"]["rows"]) == ("polars", 1)


@pytest.mark.more  # by day of the engines, where an answer is wrong
def test_the_command_line_goes_before_the_file(project: Project) -> None:
    done = project.pytest(
        *("--neuralake-engines=duckdb", "--neuralake-queries=rows", "--neuralake-rounds=2"),
        *("--neuralake-engine=duckdb:threads=1", "--benchmark-json=out.json"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (one,) = project.recorded().values()
    assert one["stats"]["rounds"] == 2
    assert one["extra_info"]["verification"] == "unverified"


@pytest.mark.more
def test_paths_are_those_of_the_file_or_of_where_one_stands(project: Project) -> None:
    assert project.pytest("-q", directory="tests").returncode == 0
    given = ("--neuralake-workload=../queries", "--neuralake-catalog=../queries/catalog.py")
    assert project.pytest("-q", *given, directory="tests").returncode == 0


def test_a_wrong_answer_fails_and_has_no_time(project: Project) -> None:
    project.write("queries/half.sql", "SELECT max(a) / 3 AS x FROM t")  # an integer, or not
    done = project.pytest("--neuralake-engines=duckdb,datafusion", "--benchmark-json=out.json")
    assert done.returncode == 1
    assert "datafusion half differs from duckdb" in done.stdout
    assert sorted(p for p in project.recorded() if "half" in p) == ["duckdb-half"]
    left = project.recorded()["duckdb-half"]
    assert left["extra_info"]["verification"] == "contradicted by datafusion"


@pytest.mark.parametrize(
    ("arguments", "message"),
    few(
        [
            ("--neuralake-engines=nosuch", "unknown engine 'nosuch'"),
            ("--neuralake-queries=nosuch", "unknown query 'nosuch': there are rows, total"),
            ("--neuralake-workload=nowhere", "nowhere"),
            ("--neuralake-rounds=0", "neuralake_rounds is '0': expected 1 or more"),
            ("--neuralake-queries=", "--neuralake-queries is empty: expected a value"),
            ("--neuralake-catalog=nowhere.py", "no catalog at"),
            ("-o neuralake_workload=", "neuralake_query has no workload: set neuralake_workload"),
            ("-p no:benchmark", "needs pytest-benchmark: pip install 'neuralake-bench[pytest]'"),
        ],
        "--neuralake-queries=nosuch",
        "-p no:benchmark",
    ),
)
def test_what_is_wrong_is_told_and_is_no_trace_of_ours(
    project: Project, arguments: str, message: str
) -> None:
    done = project.pytest(*arguments.split(" "))
    assert done.returncode not in (0, 5)
    assert message in done.stdout + done.stderr
    assert "site-packages" not in done.stdout
    assert "plugin.py" not in done.stdout


def test_a_project_without_the_fixture_pays_nothing(project: Project) -> None:
    project.write("tests/test_queries.py", "import sys\n" + LOADED)
    done = project.pytest("-q")
    assert done.returncode == 0, done.stdout


LOADED = """
def test_nothing_is_loaded():
    ours = [name for name in sys.modules if name.startswith("neuralake.")]
    assert sorted(ours) == [
        "neuralake.under_pytest", "neuralake.under_pytest.plugin", "neuralake.version"
    ]
    assert "pyarrow" not in sys.modules
"""
