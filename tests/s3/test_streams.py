"""Streams on S3: copies that the server makes, refreshed and checked there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.s3.conftest import Place


@pytest.mark.more  # what is done to copies on S3 is also done by a plan of two phases
def test_streams_run_on_copies_on_s3_and_the_dataset_stays(typed: Cli, s3: Place) -> None:
    dataset = f"{s3.uri}/tpch/sf0.003"
    made = typed(*("generate", "--scale-factor", "0.003", "--to", dataset), environment=s3.environ)
    assert made.returncode == 0, made.stderr
    before = s3.names(dataset)
    done = typed(
        *("streams", "--scale-factor", "0.003", "--engines", "polars", "--streams", "1", "--json"),
        environment=s3.environ,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    phases = answer["run"]["phases"]
    assert {check["verdict"] for phase in phases for check in phase["answers"]} == {"verified"}
    assert all(check["is_right"] for phase in phases for check in phase["end"])
    assert all(len(phase["end"]) == 12 for phase in phases)  # no official answers at this size
    assert answer["run"]["header"]["place"] == f"{s3.uri}/streams"
    assert s3.names(dataset) == before
    assert s3.names(f"{s3.uri}/streams") == set()
    assert s3.server.environ["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr
    assert not list(Path().glob("streams"))
