"""A run of streams as the commands know it: shown, gone on with, listed, exported, reported."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

from tests.conftest import Cli
from tests.workloads.streams.conftest import Streamed


def kept(run: Streamed, directory: Path, lines: int) -> Path:
    """A copy of a run, as it was when its journal had so many lines."""
    copy = directory / "results" / "runs" / run.directory.name
    shutil.copytree(run.directory, copy)
    (copy / "run.json").unlink()
    journal = (copy / "journal.jsonl").read_text().splitlines(keepends=True)
    (copy / "journal.jsonl").write_text("".join(journal[:lines]))
    return copy


def test_a_run_that_was_interrupted_is_shown_without_metrics(
    streamed: Streamed, typed: Cli, tmp_path: Path
) -> None:
    lines = (streamed.directory / "journal.jsonl").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith('{"phase":'))
    directory = kept(streamed, tmp_path, first + 1)
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert (listed["workload"], listed["state"]) == ("streams", "interrupted")
    shown = typed("results", "show")
    assert shown.returncode == 0, shown.stderr
    assert "(not finished)" in shown.stdout
    assert "not all of it was measured" in shown.stdout
    refused = typed("streams", "--resume", directory.name, "--streams", "2")
    assert refused.returncode == 2
    assert "--streams does not go with --resume" in refused.stderr


def test_a_run_goes_on_and_is_listed_exported_and_reported(
    streamed: Streamed, typed: Cli, tmp_path: Path
) -> None:
    """All that it has yet to do is to end."""
    directory = kept(streamed, tmp_path, -1)
    done = typed("streams", "--resume", directory.name)
    assert done.returncode == 0, done.stderr
    assert "2 streams, seed 7, refresh sets 1-3" in done.stdout
    assert "not comparable with published TPC-H results" in done.stdout
    (listed,) = json.loads(typed("results", "list", "--json").stdout)
    assert listed["state"] == "finished"
    assert listed["verified"] == listed["judged"] == len(streamed.engines) * 22 * 3
    exported = typed("results", "export")
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert len(rows) == listed["samples"]
    written = json.loads(typed("report", "latest", "--json").stdout)
    assert {Path(figure).stem for figure in written["figures"]} == {"latencies", "timeline"}
    page = Path(written["html"]).read_text()
    assert "not comparable with published TPC-H results" in page
    again = typed("streams", "--resume", directory.name)
    assert again.returncode == 2
    assert "is finished: there is nothing to resume" in again.stderr
