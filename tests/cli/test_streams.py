"""``neuralake streams`` as a user types it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import deltalake
import pytest

from neuralake.measure.process import living
from tests.conftest import Cli, cli_environment, is_gone

POLARS = ("--scale-factor", "0.01", "--engines", "polars")


def kill_after_a_phase(arguments: tuple[str, ...], storage: Path, directory: Path) -> Path:
    """Begin a run, and kill it when its first phase is in the journal; returns its directory."""
    process = subprocess.Popen(
        [sys.executable, "-m", "neuralake", "streams", *arguments],
        cwd=directory,
        env=cli_environment(storage, directory),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    runs = directory / "results" / "runs"
    while process.poll() is None:
        journals = list(runs.glob("*/journal.jsonl"))
        # the next phase is under way when its first samples are there
        if journals and '{"phase":' in journals[0].read_text():
            samples = list((journals[0].parent / "samples").glob("*.part"))
            if any(path.stat().st_size for path in samples):
                break
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be killed"
    tree = living(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert all(is_gone(pid) for pid in tree)
    return journals[0].parent


@pytest.mark.more
def test_a_run_that_was_killed_goes_on(
    dataset_sf001: Path, storage: Path, tmp_path: Path, typed: Cli
) -> None:
    arguments = (*POLARS, "--streams", "1", "--sets", "4,2", "--to", "copies")
    directory = kill_after_a_phase(arguments, storage, tmp_path)
    done = typed("streams", "--resume", directory.name)
    assert done.returncode == 0, done.stderr
    assert "1 stream, seed 1, refresh sets 4, 2" in done.stdout
    assert "not comparable with published TPC-H results" in done.stdout
    assert list((tmp_path / "copies").iterdir()) == []
    assert len(list((dataset_sf001 / "orders" / "_delta_log").glob("*.json"))) == 1
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert listed["state"] == "finished"
    assert listed["verified"] == listed["judged"] == 22 * 2


MISTAKES = {
    "--streams 0": "0 streams are impossible: expected 1 to 40",
    "--streams 41": "41 streams are impossible: expected 1 to 40",
    "--streams two": "'two' is no number of streams: expected such as 2, or 1,2,4",
    "--streams 2,2": "number of streams 2 is named twice",
    "--seed x": "x is no whole number from 1",
    "--seed 0": "0 is no whole number from 1",
    "--seed 2147483647": "seed 2147483647 is a multiple of 2147483647",
    "--sets 1,1,2": "refresh set 1 is named twice",
    "--sets 1000": "refresh set 1000 does not exist",
    "--sets one": "'one' is no refresh set",
    "--streams 2 --sets 1,2": "2 refresh sets are too few for 2 streams: expected 3",
    "--mapping fibres": "'fibres' is not one of 'threads', 'processes'",
    "--writer quill": "'quill' is not one of 'engine', 'neuralake'",
    "--engines polras": "unknown engine 'polras': expected one of",
    "--engines polars,polars": "engine polars is named twice",
    "--scale-factor 0.01 --dataset x": "expected either --scale-factor or --dataset",
    "--timeout 0": "0",
    "--resume nothing": "no run 'nothing'",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_one_clear_line(words: str, typed: Cli, tmp_path: Path) -> None:
    done = typed("streams", *shlex.split(words))
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert MISTAKES[words] in line
    assert not (tmp_path / "results").exists()


def test_a_dataset_that_was_refreshed_is_not_taken_for_a_fresh_one(
    dataset_sf001: Path, typed: Cli, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(dataset_sf001, changed)
    deltalake.DeltaTable(changed / "orders").delete("o_orderkey = 1")
    done = typed("streams", "--dataset", changed, "--engines", "polars")
    assert done.returncode == 2
    assert "table orders was changed after it was generated" in done.stderr


def test_copies_lie_where_the_dataset_lies(dataset_sf001: Path, typed: Cli) -> None:
    words = ("streams", "--dataset", dataset_sf001, "--engines", "polars", "--to", "s3://b/c")
    done = typed(*words)
    assert done.returncode == 2
    assert "expected both on disk, or both on object storage" in done.stderr
