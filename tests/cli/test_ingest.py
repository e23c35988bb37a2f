"""``neuralake ingest`` as a user types it."""

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

from neuralake.quantities import parse_pause, parse_rates
from tests.conftest import Cli, cli_environment

SMALL = ("--commits", "25", "--warm-up", "1", "--rounds", "1", "--batch-rows", "20")


def test_a_run_is_measured_verified_listed_exported_and_reported(
    typed: Cli, tmp_path: Path
) -> None:
    kept = ("--log-retention", "1h", "--deleted-file-retention", "1.5s")
    done = typed("ingest", "--to", "tables", "--contestants", "neuralake,disk", *kept, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "p50 ÷ disk" in done.stdout
    assert "batches of 20 rows, 1 producer, closed loop, 25 commits a round" in done.stdout
    assert list((tmp_path / "tables").iterdir()) == []  # verified, and removed
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    assert (directory / "report" / "index.html").is_file()
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert (listed["workload"], listed["engines"]) == ("ingest", ["neuralake", "disk"])
    assert (listed["verified"], listed["judged"]) == (1, 1)
    shown = typed("results", "show")
    assert "÷ disk" in shown.stdout
    header = json.loads(typed("results", "show", "--json").stdout)["header"]
    assert header["kind"] == "ingest"
    assert header["properties"] == {
        "delta.logRetentionDuration": "interval 3600000 milliseconds",
        "delta.deletedFileRetentionDuration": "interval 1500 milliseconds",
    }
    assert "delta.logRetentionDuration" in (directory / "report" / "index.html").read_text()
    exported = typed("results", "export")
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert len(rows) == 2 * 26
    written = json.loads(typed("report", "latest", "--json").stdout)
    names = {Path(figure).stem for figure in written["figures"]}
    assert names >= {"percentiles", "limit", "commits", "steps"}
    refused = typed("bench", "--resume", "latest")
    assert refused.returncode == 2
    assert "is of a run of ingest: expected one of queries" in refused.stderr


def test_the_answer_for_programs_is_json(typed: Cli) -> None:
    done = typed("ingest", "--contestants", "disk", *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (line,) = answer["lines"]
    assert line["percentiles_ms"]["50"] > 0
    assert line["commits"] == 25


MISTAKES = {
    "--contestants disk,dsik": "unknown contestant 'dsik'",
    "--contestants disk,disk": "contestant disk is named twice",
    "--log-retention 0": "'0' is no duration: expected",
    "--deleted-file-retention soon": "'soon' is no duration: expected",
    "--rate 0": "'0' is no rate: expected such as 5000, 100k or 1m",
    "--rate 5,5": "rate 5 is named twice",
    "--rate 5 --arrivals closed": "a rate goes with --arrivals constant or poisson",
    "--arrivals poisson": "--arrivals poisson needs --rate",
    "--batch-rows 5 --batch-bytes 1m": "either --batch-rows or --batch-bytes",
    "--batch-bytes 5": "has no unit",
    "--producers 0": "is no whole number from 1",
    "--processes 2": "1 producers cannot be shared out to 2 processes",
    "--commits 0": "is no whole number from 1",
    "--duration 0": "is no duration",
    "--poll 0ms": "is no duration: expected such as 20ms",
    "--readers polars,polars": "reader polars is named twice",
    "--readers pandas": "unknown engine 'pandas'",
    "--maintenance sometimes": "is not one of",
    "--to ''": "it is empty",
    "--to gs://bucket/x": "expected a path or an s3:// URI",
    "--to /proc/tables --contestants disk": "tables cannot be written to /proc/tables",
    "--resume nothing": "no run 'nothing'",
    "--resume latest --commits 5": "--commits does not go with --resume",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_bad_input_is_one_line_and_exit_status_2(
    typed: Cli, arguments: str, tmp_path: Path
) -> None:
    words = [word.strip("'") for word in arguments.split(" ")]
    done = typed("ingest", *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("neuralake: ")
    assert MISTAKES[arguments] in line
    assert not (tmp_path / "results").exists()


@pytest.mark.more
def test_ctrl_c_keeps_what_was_measured_and_the_run_goes_on(
    typed: Cli, storage: Path, tmp_path: Path
) -> None:
    environment = cli_environment(storage, tmp_path)
    words = ["ingest", "--to", "tables", "--contestants", "disk", *SMALL, "--rounds", "3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "neuralake", *words],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    runs = tmp_path / "results" / "runs"
    while not any(b'"round":{"key"' in p.read_bytes() for p in runs.glob("*/journal.jsonl")):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "goes on" in said.splitlines()[-1]
    (directory,) = runs.iterdir()
    done = typed("ingest", "--resume", directory.name, "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["run"]
    assert len(run["rounds"]) == 3
    assert len(run["resumptions"]) == 1
    assert run["finished_at"] is not None
    assert list((tmp_path / "tables").iterdir()) == []


def test_rates_and_pauses_are_read_as_people_write_them() -> None:
    assert parse_rates("5000, 100k,0.5m") == (5000.0, 100_000.0, 500_000.0)
    assert (parse_pause("20ms"), parse_pause("1.5s"), parse_pause("2m")) == (0.02, 1.5, 120.0)
