"""``neuralake serving`` as a user types it."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Cli, cli_environment

SMALL = (
    *("--duration", "200ms", "--warm-up", "50ms", "--capacity-step", "100ms"),
    *("--recovery", "1s", "--rows", "500", "--connections", "4"),
)


def test_a_run_is_measured_checked_listed_exported_and_reported(typed: Cli, tmp_path: Path) -> None:
    rates = ("--rates", "200", "--timeout", "1s")
    words = ("--contestants", "http", "--mix", "point=9,aggregate=1")
    # as it is by default: below where the command is typed, which is not where a server works
    relative = {"NEURALAKE_RESULTS_ROOT": "results"}
    done = typed("serving", *words, *rates, *SMALL, environment=relative)
    assert done.returncode == 0, done.stderr
    assert "90% point, 10% aggregate on 500 rows, zipf keys, open loop" in done.stdout
    assert "capacity (requests/s)" in done.stdout
    assert "200/s" in done.stdout
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    assert (directory / "report" / "index.html").is_file()
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert (listed["workload"], listed["engines"]) == ("serving", ["http"])
    assert listed["verified"] == listed["judged"] == 2  # a search and a round
    shown = typed("results", "show")
    assert "capacity (requests/s)" in shown.stdout
    assert json.loads(typed("results", "show", "--json").stdout)["header"]["kind"] == "serving"
    exported = typed("results", "export")
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert len(rows) == listed["samples"]
    assert {row["status"] for row in rows} <= {"ok", "refused", "timeout"}
    written = json.loads(typed("report", "latest", "--json").stdout)
    names = {Path(figure).stem for figure in written["figures"]}
    assert names == {"percentiles", "timeline"}
    refused = typed("ingest", "--resume", "latest")
    assert refused.returncode == 2
    assert "is of a run of serving: expected one of ingest" in refused.stderr


MISTAKES = {
    "--contestants null,nul": "unknown contestant 'nul'",
    "--contestants null,null": "contestant null is named twice",
    "--rates fast": "'fast' is no rate",
    "--rates 0%": "'0%' is no share of a capacity",
    "--rates 50%,50%": "rate 50% is named twice",
    "--mix pint": "unknown kind of request 'pint'; expected some of point, aggregate, tpch",
    "--mix point=0": "'point=0' has no weight",
    "--arrivals closed": "is not one of",
    "--keys pareto": "is not one of",
    "--rows 0": "is no whole number from 1",
    "--connections 0": "is no whole number from 1",
    "--connections 1001": "is no whole number from 1",
    "--timeout 0s": "is no duration",
    "--duration soon": "is no duration",
    "--seed -1": "is no whole number from 0",
    "--scale-factor 1": "--scale-factor and --dataset go with --mix tpch",
    "--mix tpch --dataset /nowhere": "/nowhere",
    "--resume nothing": "no run 'nothing'",
    "--resume latest --rates 5": "--rates does not go with --resume",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_bad_input_is_one_line_and_exit_status_2(
    typed: Cli, arguments: str, tmp_path: Path
) -> None:
    done = typed("serving", *arguments.split(" "))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("neuralake: ")
    assert MISTAKES[arguments].partition(";")[0] in line
    assert not (tmp_path / "results").exists()


@pytest.mark.more
def test_ctrl_c_keeps_what_was_measured_and_the_run_goes_on(
    typed: Cli, storage: Path, tmp_path: Path
) -> None:
    words = ["serving", "--contestants", "null", "--rates", "100,200,300", *SMALL]
    process = subprocess.Popen(
        [sys.executable, "-m", "neuralake", *words],
        cwd=tmp_path,
        env=cli_environment(storage, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    runs = tmp_path / "results" / "runs"
    while not any(b'"round":{"key"' in p.read_bytes() for p in runs.glob("*/journal.jsonl")):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on" in said.splitlines()[-1]
    (directory,) = runs.iterdir()
    assert not (directory / "scratch").exists()
    done = typed("serving", "--resume", directory.name, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [r["key"]["rate"] for r in answer["run"]["rounds"]] == ["100", "200", "300"]
    assert len(answer["run"]["resumptions"]) == 1
    assert {line["contestant"] for line in answer["lines"]} == {"null"}
