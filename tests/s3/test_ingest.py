"""Ingestion on S3: commits by conditional puts, verified as on disk."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from tests.conftest import Cli
from tests.more import few
from tests.s3.conftest import Place

ROOT = Path(__file__).parents[2]
SMALL = ("--commits", "12", "--warm-up", "1", "--rounds", "1", "--batch-rows", "20")


def lines_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {line["case"]["contestant"]: line for line in answer["lines"]}


@pytest.mark.parametrize("contestants", few(["neuralake", "neuralake,deltalake-handle"]))
def test_batches_are_appended_to_tables_on_s3_and_verified(
    typed: Cli, s3: Place, contestants: str
) -> None:
    done = typed(
        *("ingest", "--to", f"{s3.uri}/tables", "--contestants", contestants),
        *(*SMALL, "--keep", "--json"),
        environment=s3.environ,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {line["commits"] for line in lines_of(answer).values()} == {12}
    verdicts = [v["verdict"] for v in answer["run"]["verifications"]]
    assert verdicts == ["verified"] * len(contestants.split(","))
    header = answer["run"]["header"]
    assert header["storage"]["endpoint"] == s3.server.environ["AWS_ENDPOINT_URL"].split("//")[1]
    assert header["storage"]["filesystem"] is None
    table = f"{s3.uri}/tables/{header['id']}/neuralake-r01"
    assert DeltaTable(table, storage_options=s3.options).version() == 13
    assert s3.server.environ["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr


def test_tables_on_s3_are_removed_and_what_cannot_run_there_says_so(typed: Cli, s3: Place) -> None:
    done = typed(
        *("ingest", "--to", f"{s3.uri}/gone", "--contestants", "neuralake", *SMALL),
        environment=s3.environ,
    )
    assert done.returncode == 0, done.stderr
    run = next(line for line in done.stdout.splitlines() if line.startswith("results: "))
    options = {**s3.options}
    with pytest.raises(TableNotFoundError):
        DeltaTable(f"{s3.uri}/gone/{Path(run).name}/neuralake-r01", storage_options=options)
    listed = typed("ingest", "--to", f"{s3.uri}/x", "--contestants", "disk", environment=s3.environ)
    assert listed.returncode == 2
    assert listed.stderr.splitlines() == [
        "neuralake: contestant disk is not available: object storage has no disk to sync"
    ]


def test_no_such_bucket_is_said_in_a_line(typed: Cli, s3: Place) -> None:
    done = typed(
        *("ingest", "--to", "s3://no-such-bucket-here/x", "--contestants", "neuralake", *SMALL),
        environment=s3.environ,
    )
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("neuralake: "))
    assert "no table can be made at s3://no-such-bucket-here/x" in line


@pytest.mark.more
def test_a_command_is_run_with_a_server_of_its_own() -> None:
    """python -m benchmarks.s3 -- COMMAND, and the server is gone when it has ended."""
    ask = "import os; print(os.environ['AWS_ENDPOINT_URL'], flush=True); raise SystemExit(7)"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.s3", "--", sys.executable, "-c", ask],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    host, port = done.stdout.strip().removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)
