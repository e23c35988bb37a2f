"""Streams on S3: copies that the server makes, refreshed and checked there."""

from __future__ import annotations

import json
from pathlib import Path

from pyarrow import fs

from neuralake.storage import filesystem
from tests.conftest import Cli
from tests.s3.conftest import Place


def names(uri: str, s3: Place) -> set[str]:
    objects, path = filesystem(uri, s3.options)
    found = objects.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True))
    return {info.path.removeprefix(path) for info in found if info.type == fs.FileType.File}


def test_streams_run_on_copies_on_s3_and_the_dataset_stays(typed: Cli, s3: Place) -> None:
    dataset = f"{s3.uri}/tpch/sf0.003"
    made = typed(*("generate", "--scale-factor", "0.003", "--to", dataset), environment=s3.environ)
    assert made.returncode == 0, made.stderr
    before = names(dataset, s3)
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
    assert names(dataset, s3) == before
    assert names(f"{s3.uri}/streams", s3) == set()
    assert s3.server.environ["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr
    assert not list(Path().glob("streams"))
