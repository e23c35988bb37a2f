"""What a writer takes of memory: bounded by what may wait, and by its largest batch."""

from __future__ import annotations

import threading
from pathlib import Path

import deltalake
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import flight

from neuralake.measure.process import peak_memory_bytes, resident_bytes
from tests.writer.running import EVENTS, Running, answers, numbered

SCHEMA = pa.schema([("id", pa.int64()), ("value", pa.int64())])
ROW_BYTES = 16
MIB = 1 << 20


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = str(tmp_path / "events")
    deltalake.DeltaTable.create(path, SCHEMA)
    return path


def batch(size_bytes: int) -> pa.RecordBatch:
    ids = np.arange(size_bytes // ROW_BYTES)
    return pa.record_batch({"id": ids, "value": ids}, SCHEMA)


def peak_bytes(run: Running) -> int:
    pid = run.pid("append")
    assert pid is not None
    peak = peak_memory_bytes([pid])
    assert peak is not None
    return peak


@pytest.mark.more
def test_a_batch_of_a_gibibyte_is_one_commit(table: str, tmp_path: Path) -> None:
    """It is not divided, so that it takes a few times its size: rows, what is encoded, a copy."""
    large = batch(1024 * MIB)
    with Running(("append", table, "--from", "flight://127.0.0.1:0"), tmp_path) as run:
        address = run.wait_for("append", "ready")["address"]
        with flight.connect(address) as client:
            writer, reader = client.do_put(EVENTS, SCHEMA)
            writer.write_with_metadata(large, numbered("a", 1))
            writer.done_writing()
            (told,) = answers(reader)
            writer.close()
        assert (told["version"], told["rows"]) == (1, large.num_rows)
        assert peak_bytes(run) < 4096 * MIB
        assert run.terminate() == 0


@pytest.mark.more  # by day what waits has a bound in test_batching.py
def test_fast_clients_wait_and_take_no_memory(table: str, tmp_path: Path) -> None:
    """Four send 1.25 GiB, of which 16 MiB may wait: a disk is always slower than that.

    What glibc's allocator keeps of the pieces in which gRPC receives is several times that.
    """
    part = batch(2 * MIB)
    limits = ("--waiting-bytes", "16MiB", "--batch-bytes", "4MiB")
    with Running(("append", table, "--from", "flight://127.0.0.1:0", *limits), tmp_path) as run:
        address = run.wait_for("append", "ready")["address"]
        pid = run.pid("append")
        assert pid is not None
        before = resident_bytes([pid])
        told: list[int] = []

        def send(name: str) -> None:
            with flight.connect(address) as client:
                writer, reader = client.do_put(EVENTS, SCHEMA)

                def write() -> None:
                    for sequence in range(1, 161):
                        writer.write_with_metadata(part, numbered(name, sequence))
                    writer.done_writing()

                thread = threading.Thread(target=write)
                thread.start()
                told.append(sum(answer["rows"] for answer in answers(reader)))
                thread.join()
                writer.close()

        senders = [threading.Thread(target=send, args=(f"s{n}",)) for n in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert told == [160 * part.num_rows] * 4
        assert peak_bytes(run) - before < 1024 * MIB
        assert run.terminate() == 0
