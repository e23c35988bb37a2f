"""``neuralake lifecycle`` as a user types it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli

ROOT = Path(__file__).parents[2]
PLAN = """
name = "small"
[[phases]]
name = "ask"
sessions = [{ name = "reader", tasks = [{ kind = "query" }] }]
[[phases]]
name = "change"
sessions = [{ name = "writer", tasks = [{ kind = "append", table = "readings", rows = 9 }] }]
[[loops]]
phases = ["ask", "change"]
times = 2
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's files and data, and a small plan."""
    place = tmp_path_factory.mktemp("example")
    shutil.copytree(ROOT / "examples" / "life", place / "life")
    subprocess.run(
        [sys.executable, place / "life" / "make_data.py"],
        cwd=place,
        check=True,
        capture_output=True,
    )
    (place / "plan.toml").write_text(PLAN)
    return place


@pytest.fixture
def sensors(example: Path, tmp_path: Path) -> dict[str, str]:
    """All that where the command is typed."""
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    return {"NEURALAKE_STORAGE_ROOT": str(tmp_path / "data")}


def test_a_run_is_measured_verified_listed_exported_and_reported(
    sensors: dict[str, str], typed: Cli, tmp_path: Path
) -> None:
    done = typed(
        *("lifecycle", "--plan", "plan.toml", "--workload", "life", "--engines", "polars"),
        *("--repetitions", "1", "--to", "tables"),
        environment=sensors,
    )
    assert done.returncode == 0, done.stderr
    assert "plan small on life, 4 phases, 1 repetition" in done.stdout
    assert "polars sink_delta" in done.stdout
    assert "there is no interval, and nobody knows what is chance" in done.stdout
    assert list((tmp_path / "tables").iterdir()) == []
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    page = (directory / "report" / "index.html").read_text()
    assert "one repetition: no interval" in page
    assert "[[loops]]" in page  # the plan itself
    markdown = (directory / "report" / "summary.md").read_text()
    assert "S&#95;DR" in markdown
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert (listed["workload"], listed["engines"]) == ("lifecycle", ["polars"])
    assert (listed["verified"], listed["judged"], listed["samples"]) == (6, 6, 6)
    assert "polars sink_delta" in typed("results", "show").stdout
    assert json.loads(typed("results", "show", "--json").stdout)["header"]["plan"] == "small"
    exported = typed("results", "export")
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert [(row["series"], row["turn"], row["kind"]) for row in rows] == [
        ("ask", "1", "query"),
        ("ask", "1", "query"),
        ("change", "1", "append"),
        ("ask", "2", "query"),
        ("ask", "2", "query"),
        ("change", "2", "append"),
    ]
    written = json.loads(typed("report", "latest", "--json").stdout)
    assert {Path(figure).stem for figure in written["figures"]} == {"timeline", "degradation"}
    refused = typed("lifecycle", "--resume", "latest")
    assert refused.returncode == 2
    assert "is finished: there is nothing to resume" in refused.stderr


ONE_APPEND = """
name = "one"
[[phases]]
name = "change"
sessions = [{ name = "writer", tasks = [{ kind = "append", table = "readings", rows = 9 }] }]
"""


@pytest.mark.more  # as what is read of one, which is told by day
def test_that_it_changes_a_deprecated_table_is_told_once(
    sensors: dict[str, str], typed: Cli, tmp_path: Path
) -> None:
    (tmp_path / "one.toml").write_text(ONE_APPEND)
    catalog = tmp_path / "life" / "catalog.py"
    catalog.write_text(
        catalog.read_text() + "\nfrom dataclasses import replace\n"
        "from neuralake.catalog import About, Deprecated\n"
        "readings = replace(readings, about=About(deprecated=Deprecated('Too many.', 'sensors')))\n"
    )
    done = typed(
        *("lifecycle", "--plan", "one.toml", "--workload", "life", "--engines", "polars"),
        *("--repetitions", "1", "--to", "tables"),
        environment=sensors,
    )
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "deprecated" in line]
    assert warned == ["neuralake: table readings is deprecated: Too many; use sensors"]


def test_a_plan_is_printed_to_begin_ones_own_with(typed: Cli, tmp_path: Path) -> None:
    printed = typed("lifecycle", "--print-plan", "longevity")
    assert printed.returncode == 0
    assert (
        printed.stdout
        == (ROOT / "neuralake/workloads/lifecycle/scenarios/longevity.toml").read_text()
    )


CIRCLE = """
name = "x"
[[phases]]
name = "a"
after = ["b"]
sessions = [{ name = "s", tasks = [{ kind = "query" }] }]
[[phases]]
name = "b"
after = ["a"]
sessions = [{ name = "s", tasks = [{ kind = "query" }] }]
"""
FILES = {
    "unknown.toml": PLAN.replace('"append"', '"apend"').encode(),
    "circle.toml": CIRCLE.encode(),
    "broken.toml": b"name = ",
    "binary.toml": b"\xff\xfe\x00",
    "empty.toml": b"",
    "column.toml": PLAN.replace("rows = 9 }", 'rows = 9, children = ["sensors"] }').encode(),
    "sql.toml": PLAN.replace(
        'kind = "append", table = "readings", rows = 9',
        'kind = "delete", table = "readings", where = "x >"',
    ).encode(),
}
OWN = "--workload life --engines polars"
MISTAKES = {
    "--plan none.toml": "cannot be read: No such file or directory",
    "--plan .": "cannot be read: Is a directory",
    "--plan binary.toml": "is no text: byte 0xff at offset 0; expected TOML in UTF-8",
    "--plan broken.toml": "is no TOML",
    "--plan empty.toml": "the file has no 'name'",
    "--plan unknown.toml": "kind is 'apend': expected one of query",
    "--plan circle.toml": "the phases go in a circle: 'a' after 'b' after 'a'",
    f"--plan column.toml {OWN}": "table sensors declares no foreign key to readings",
    f"--plan sql.toml {OWN}": "where is 'x >', which is no SQL expression",
    "--plan plan.toml --workload nowhere": "no workload at nowhere",
    "--plan plan.toml --workload life --engines polar": "unknown engine 'polar'",
    "--plan plan.toml --workload life --scale-factor 1": "--workload goes without --scale-factor",
    "--plan plan.toml --scenario all": "expected either --plan or --scenario",
    "--workload life": "--workload goes with --plan",
    "--scenario longevty": "unknown scenario 'longevty'",
    "--print-plan mine": "unknown scenario 'mine': expected one of all, concurrency, longevity",
    "--repetitions 0": "is no whole number from 1",
    "--mapping both": "is not one of",
    "--writer me": "is not one of",
    f"--plan plan.toml {OWN} --to /proc/tables": "tables cannot be written to /proc/tables",
    "--resume nothing": "no run 'nothing'",
    "--resume latest --repetitions 2": "--repetitions does not go with --resume",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_told_in_a_line_and_leaves_nothing(
    sensors: dict[str, str], typed: Cli, tmp_path: Path, arguments: str
) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    done = typed("lifecycle", *arguments.split(), environment=sensors)
    assert done.returncode == 2, done.stderr
    assert MISTAKES[arguments] in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not list((tmp_path / "results").glob("**/journal.jsonl"))
    assert not list((tmp_path / "results").glob("staged-*"))
