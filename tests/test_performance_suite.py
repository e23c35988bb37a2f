"""tests/performance as others use it: options, what is recorded, and that a wrong answer is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import cli_environment
from tests.more import few

ROOT = Path(__file__).parents[1]
ENTRY_POINT = "[neuralake.engines]\nslipping = tests.performance.slipping:SlippingEngine\n"
Suite = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def suite(storage: Path, tmp_path: Path) -> Suite:
    """Run the suite in a process of its own, over the shared datasets."""
    metadata = tmp_path / "slipping-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: slipping\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT)
    environment = cli_environment(storage, tmp_path) | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])
    }
    basic = [sys.executable, "-m", "pytest", str(ROOT / "tests/performance")]

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*basic, "-p", "no:cacheprovider", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=300,
            check=False,
        )

    return run


def small(engines: str, queries: str = "q01 or q06") -> tuple[str, ...]:
    return ("--performance-engines", engines, "--performance-scale-factor", "0.003", "-k", queries)


def recorded(path: Path) -> dict[str, dict[str, Any]]:
    """The benchmarks of a JSON file by their parameters."""
    return {item["param"]: item for item in json.loads(path.read_text())["benchmarks"]}


@pytest.mark.more
def test_engines_are_recorded_side_by_side_and_checked_by_agreement(
    suite: Suite, tmp_path: Path
) -> None:
    done = suite(*small("polars,duckdb"), f"--benchmark-json={tmp_path / 'out.json'}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = recorded(tmp_path / "out.json")
    assert list(found) == [
        "sf0.003-polars-q01",
        "sf0.003-polars-q06",
        "sf0.003-duckdb-q01",
        "sf0.003-duckdb-q06",
    ]
    one = found["sf0.003-polars-q01"]
    assert one["group"] == "q01"
    assert one["options"]["disable_gc"] is True
    assert one["stats"]["rounds"] == len(one["stats"]["data"]) > 1
    about = one["extra_info"]
    assert (about["engine"], about["scale_factor"], about["rows"]) == ("polars", 0.003, 4)
    assert about["engine_version"]
    assert about["verification"] == "agreement with duckdb"
    assert found["sf0.003-duckdb-q01"]["extra_info"]["verification"] == "agreement with polars"


@pytest.mark.more
def test_an_engine_alone_is_unverified_and_an_absent_baseline_said(
    suite: Suite, tmp_path: Path
) -> None:
    options = (f"--benchmark-json={tmp_path / 'out.json'}", "--benchmark-compare")
    done = suite(*small("duckdb", "q06"), *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Can't compare. No benchmark files" in done.stderr
    (one,) = recorded(tmp_path / "out.json").values()
    assert one["extra_info"]["verification"] == "unverified"


@pytest.mark.parametrize(
    ("fault", "message"),
    few(
        [
            ("wrong", "slipping q01 differs from duckdb: row 1, column count_order"),
            ("later", "slipping q01 changed its answer: row 1, column count_order"),
            ("error", "RuntimeError: cannot compute this"),
        ]
    ),
)
def test_a_wrong_answer_fails_and_has_no_time(
    suite: Suite, tmp_path: Path, fault: str, message: str
) -> None:
    done = suite(
        *small("duckdb,slipping"),
        f"--performance-engine=slipping:fault={fault}",
        f"--benchmark-json={tmp_path / 'out.json'}",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert message in done.stdout
    assert "1 failed, 3 passed" in done.stdout
    assert set(recorded(tmp_path / "out.json")) == {
        "sf0.003-duckdb-q01",
        "sf0.003-duckdb-q06",
        "sf0.003-slipping-q06",
    }


@pytest.mark.more
def test_a_run_is_compared_with_a_saved_one(suite: Suite, tmp_path: Path) -> None:
    assert suite(*small("duckdb", "q06"), "--benchmark-save=before").returncode == 0
    done = suite(*small("duckdb", "q06"), "--benchmark-compare")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_query[sf0.003-duckdb-q06] (0001_before)" in done.stdout
    assert "test_query[sf0.003-duckdb-q06] (NOW)" in done.stdout
    assert "Warning" not in done.stderr
    (saved,) = (tmp_path / ".benchmarks").rglob("0001_before.json")
    saved.write_text(saved.read_text().replace('"python_version": "', '"python_version": "1.'))
    done = suite(*small("duckdb", "q06"), "--benchmark-compare")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Benchmark machine_info is different" in done.stderr


@pytest.mark.more
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--performance-engines=oracle", "unknown engine 'oracle': expected one of"),
        ("--performance-engine=polars:x=1", "engine polars has no option 'x'"),
        ("--performance-scale-factor=0", "scale factor 0 is out of range"),
    ],
)
def test_an_option_that_cannot_be_is_said(suite: Suite, option: str, message: str) -> None:
    done = suite(option)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
    assert "Traceback" not in done.stderr
