from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.delta.store import Store
from neuralake.writer import Writer

EVENTS = pa.schema([("id", pa.int64()), ("device", pa.string()), ("value", pa.float64())])


def events(first: int, rows: int = 10) -> pa.Table:
    """Rows with ids from ``first`` on."""
    ids = list(range(first, first + rows))
    return pa.table(
        {"id": ids, "device": [f"rig-{i % 3}" for i in ids], "value": [i / 2 for i in ids]}, EVENTS
    )


@pytest.fixture
def make_table(tmp_path: Path) -> Callable[..., str]:
    """Makes an empty Delta table; what is given goes to ``DeltaTable.create``."""

    def make(schema: pa.Schema = EVENTS, name: str = "events", **more: object) -> str:
        path = str(tmp_path / name)
        deltalake.DeltaTable.create(path, schema, **more)  # type: ignore[arg-type]
        return path

    return make


def put_store(writer: Writer, store: Store) -> None:
    """Have a writer use another store of its table, one with faults."""
    writer._committer._store = writer._committer.files._store = store
