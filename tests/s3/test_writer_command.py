"""``neuralake writer`` on S3: the same command, and no credential in what it tells."""

from __future__ import annotations

import json
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
from pyarrow import flight

from tests.conftest import Cli
from tests.s3.conftest import Place
from tests.writer.running import EVENTS, Running, answers, numbered

SCHEMA = pa.schema([("id", pa.int64())])


def test_clients_write_a_table_on_s3(s3: Place, tmp_path: Path, typed: Cli) -> None:
    uri = f"{s3.uri}/events"
    deltalake.DeltaTable.create(uri, SCHEMA, storage_options=s3.options)
    asked = (uri, "--from", "flight://127.0.0.1:0", "--compact-every", "100ms")
    with Running(asked, tmp_path, environment=s3.environ) as run:
        address = run.wait_for("append", "ready")["address"]
        with flight.connect(address) as client:
            writer, reader = client.do_put(EVENTS, SCHEMA)
            for sequence in range(1, 21):
                rows = pa.record_batch({"id": [sequence]}, SCHEMA)
                writer.write_with_metadata(rows, numbered("rig", sequence))
                assert json.loads(reader.read().to_pybytes())["sequence"] == sequence
            writer.done_writing()
            assert list(answers(reader)) == []
            writer.close()
        run.wait_for("compact", "did")
        cache = {"NEURALAKE_CACHE_ROOT": str(tmp_path / "cache")}
        seen = typed("writer", "status", uri, "--json", environment=s3.environ | cache).stdout
        assert json.loads(seen)["applications"][0]["sequence"] == 20
        assert run.terminate() == 0
        said = json.dumps(run.events) + run.errors.read_text() + seen
        assert s3.environ["AWS_SECRET_ACCESS_KEY"] not in said
    frame = pl.scan_delta(uri, storage_options=s3.options).collect()
    assert sorted(frame["id"]) == list(range(1, 21))
