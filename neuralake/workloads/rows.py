"""Rows as events have them: several types, nulls, texts of low and of high cardinality."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ATTRIBUTES = pa.schema(
    [
        ("device", pa.string()),
        ("message", pa.string()),
        ("amount", pa.decimal128(12, 2)),
        ("temperature", pa.float64()),
        ("share", pa.float32()),
        ("is_valid", pa.bool_()),
        ("code", pa.int32()),
    ]
)
_DEVICES = 200
_NULLS = 0.05


def attributes(rows: int, random: np.random.Generator) -> pa.RecordBatch:
    """Rows in the schema ``ATTRIBUTES``, drawn from a generator."""
    devices = pa.array([f"device-{index:04d}" for index in range(_DEVICES)])
    chosen = pa.array(random.zipf(1.3, rows) % _DEVICES)
    hexadecimal = random.bytes(rows * 16).hex()
    messages = [hexadecimal[at : at + 32] for at in range(0, 32 * rows, 32)]
    cents = pa.array(random.integers(-(10**9), 10**9, rows)).cast(pa.decimal128(19, 0))
    absent = random.random(rows) < _NULLS
    columns = [
        devices.take(chosen),
        pa.array(messages, pa.string()),
        pc.multiply(cents, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))).cast(
            pa.decimal128(12, 2)
        ),
        pa.array(random.normal(20.0, 5.0, rows), mask=absent),
        pa.array(random.random(rows).astype(np.float32)),
        pa.array(random.random(rows) < 0.98),
        pa.array(random.integers(0, 1000, rows).astype(np.int32), mask=random.random(rows) < 0.01),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ATTRIBUTES)
