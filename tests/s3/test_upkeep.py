"""Compaction, checkpoints and vacuum of a table on a real S3 server."""

from __future__ import annotations

import time

import deltalake
import pyarrow as pa

from neuralake.delta.live import LiveFiles
from neuralake.delta.place import open_store
from neuralake.writer import Compactor, Packing, Upkeep, Vacuum, Writer
from tests.s3.conftest import Place
from tests.writer.conftest import EVENTS, events


def ids(place: Place) -> list[int]:
    table = deltalake.DeltaTable(place.uri, storage_options=place.options)
    builder = deltalake.QueryBuilder().register("t", table)
    return sorted(pa.table(builder.execute("SELECT id FROM t").read_all())["id"].to_pylist())


def test_a_table_is_kept(s3: Place) -> None:
    deltalake.DeltaTable.create(
        s3.uri,
        EVENTS,
        partition_by=["device"],
        configuration={"delta.checkpointInterval": "4"},
        storage_options=s3.options,
    )
    with Writer(s3.uri, storage_options=s3.options) as writer:
        for i in range(8):
            writer.append(events(10 * i))
    store = open_store(s3.uri, s3.options)
    store.write("device=rig-0/left-behind.parquet", b"x")

    done = Compactor(s3.uri, Packing(), storage_options=s3.options).run_once()
    kept = Upkeep(s3.uri, storage_options=s3.options).run_once()

    assert done is not None
    assert (done.version, done.bins, done.files_before, done.files_after) == (9, 3, 24, 3)
    assert kept is not None
    assert kept.checkpoint == 9
    live = LiveFiles(store)
    assert live.state.version == 9
    assert [file.version for file in live.files.values()] == [None] * 3  # by the checkpoint
    assert ids(s3) == list(range(80))

    time.sleep(2)  # the server tells seconds only
    forced = Vacuum(s3.uri, retention_s=0, is_forced=True, storage_options=s3.options)
    gone: list[str] = []
    forced.run_once(is_dry_run=True, tell=lambda stored: gone.append(stored.path))
    assert len(gone) == 24
    assert forced.run_once().removed_files == 24
    left = {stored.path for stored in store.list() if stored.path.endswith(".parquet")}
    data = {path for path in left if not path.startswith("_delta_log/")}
    assert data == {f.place for f in live.files.values()} | {"device=rig-0/left-behind.parquet"}
    assert ids(s3) == list(range(80))
