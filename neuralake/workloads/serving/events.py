"""The table that is asked: ten columns, one key, the same rows from the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from neuralake.workloads.rows import ATTRIBUTES, attributes

EVENTS = "events"
CODES = 1000  # values of the column ``code``, by which aggregates select
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        ("account", pa.int64()),
        ("happened_at", pa.timestamp("us", tz="UTC")),
        *ATTRIBUTES,
    ]
)
_EPOCH_US = 1_700_000_000_000_000  # 2023-11-14


def make_events(rows: int, seed: int) -> pa.Table:
    """The rows, ``id`` from 0 on; some accounts are beyond what a float can tell (2^53).

    Parameters
    ----------
    rows
        Their number.
    seed
        The same seed gives the same rows.
    """
    random = np.random.default_rng((seed, 0xE5))
    columns = [
        pa.array(np.arange(rows, dtype=np.int64)),
        pa.array(random.integers(-(2**63), 2**63 - 1, rows)),
        pa.array(_EPOCH_US + np.cumsum(random.integers(0, 5000, rows))).cast(
            pa.timestamp("us", tz="UTC")
        ),
        *attributes(rows, random).columns,
    ]
    return pa.table(columns, schema=SCHEMA)


def write_events(events: pa.Table, directory: Path) -> None:
    """Write them as a Delta table of one file, as a compacted table is."""
    from deltalake import write_deltalake

    write_deltalake(str(directory), events)
