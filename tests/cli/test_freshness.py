"""``neuralake freshness`` as a user types it."""

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
    *("--rates", "300", "--duration", "1s", "--warm-up", "200ms", "--pieces", "1"),
    *("--pause", "200ms", "--poll", "10ms", "--batch-age", "10ms", "--compaction", "off"),
)


def test_a_run_is_measured_verified_listed_exported_and_reported(
    typed: Cli, tmp_path: Path
) -> None:
    # as it is by default: below where the command is typed, which is not where a server works
    relative = {"NEURALAKE_RESULTS_ROOT": "results"}
    done = typed("freshness", "--to", "tables", "--readers", "http", *SMALL, environment=relative)
    assert done.returncode == 0, done.stderr
    assert "1/1" in done.stdout  # tables that were verified
    assert "open loop, constant arrivals, 1 s a round" in done.stdout
    assert list((tmp_path / "tables").iterdir()) == []  # verified, and removed
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    assert (directory / "report" / "index.html").is_file()
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert (listed["workload"], listed["engines"]) == ("freshness", ["http"])
    assert (listed["verified"], listed["judged"]) == (1, 1)
    assert "1/1" in typed("results", "show").stdout
    assert json.loads(typed("results", "show", "--json").stdout)["header"]["kind"] == "freshness"
    exported = typed("results", "export")
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert rows[-1]["records_seen"] == "360"
    written = json.loads(typed("report", "latest", "--json").stdout)
    names = {Path(figure).stem for figure in written["figures"]}
    assert names >= {"visibility", "timeline"}
    refused = typed("freshness", "--resume", "latest")
    assert refused.returncode == 2
    assert "is finished: there is nothing to resume" in refused.stderr


MISTAKES = {
    "--rates 0": "'0' is no rate: expected such as 5000, 100k or 1m",
    "--rates 5,5": "rate 5 is named twice",
    "--rates 1": "records a second for 20 s are too few",
    "--readers polars,polars": "reader polars is named twice",
    "--readers polar": "unknown reader 'polar'",
    "--readers polars --connections 2": "answers one question at a time",
    "--source pigeon": "is not one of",
    "--brokers 127.0.0.1:9092": "--brokers goes with --source kafka",
    "--source kafka --brokers 127.0.0.1:1": "no broker answers at 127.0.0.1:1: Connection refused",
    "--source kafka --brokers somewhere": "expected",
    "--compaction sometimes": "is not one of",
    "--duration 0": "is no duration",
    "--poll 0ms": "is no duration: expected such as 20ms",
    "--pieces 0": "is no whole number from 1",
    "--pieces 100 --duration 1s --rates 1k": "are shorter than a poll",
    "--to ''": "it is empty",
    "--to s3://bucket/x": "expected a directory",
    "--to /proc/tables": "tables cannot be written to /proc/tables",
    "--resume nothing": "no run 'nothing'",
    "--resume latest --rates 5k": "--rates does not go with --resume",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_told_in_a_line(typed: Cli, tmp_path: Path, arguments: str) -> None:
    words = [word.strip("'") for word in arguments.split(" ")]
    done = typed("freshness", *words)
    assert done.returncode == 2, done.stderr
    assert MISTAKES[arguments] in " ".join(done.stderr.split())
    assert not (tmp_path / "results" / "runs").exists()  # nothing was begun


@pytest.mark.more
def test_an_interrupted_run_is_kept_and_leaves_no_process(storage: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "neuralake", "freshness", "--to", "tables"),
            *("--readers", "in-process", "--rates", "300", "--duration", "10m", "--steady"),
        ],
        cwd=tmp_path,
        env=cli_environment(storage, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    runs = tmp_path / "results" / "runs"
    while not list(runs.glob("*/samples/*")) and not list(runs.glob("*/logs/*-producer.log")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "neuralake freshness --resume" in said
    (directory,) = runs.iterdir()
    assert (directory / "run.json").is_file()
    assert list((tmp_path / "tables").iterdir()) == []
    assert not _mentioned(str(tmp_path))


def _mentioned(text: str) -> list[str]:
    """Processes whose command line has a text; those of a round end with its worker."""
    for _ in range(100):
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_text().replace("\0", " ")
            except OSError:
                continue
            if text in words:
                found.append(words)
        if not found:
            return []
        time.sleep(0.1)
    return found
