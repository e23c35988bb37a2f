"""A value has one hash, whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from neuralake.queries.hashing import hash_values

ARRAYS = [
    pa.array([[], [1, 2], None, [], [None]], pa.large_list(pa.int64())),
    pa.array([[[]], [], [[1], []], None], pa.large_list(pa.large_list(pa.int8()))),
    pa.array([[], [("k", 1)], None, []], pa.map_(pa.large_string(), pa.int64())),
    pa.array([{"x": []}, {"x": [1]}, None], pa.struct([("x", pa.large_list(pa.int64()))])),
    pa.array(["", "a", None, "x" * 300, "ü"], pa.large_string()),
    pa.array([b"", b"\x00", None], pa.large_binary()),
    pa.array([None, 1, -1], pa.int8()),
    pa.array([0, 2**64 - 1, None], pa.uint64()),
    pa.array([0.0, -0.0, float("nan"), None], pa.float64()),
    pa.array([True, None, False]),
    pa.array([None, None], pa.decimal128(38, 2)),
    pa.array([1, None, 0], pa.decimal256(60, 0)),
    pa.array([None, 1], pa.timestamp("ms", "UTC")),
    pa.array([None, None], pa.month_day_nano_interval()),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_the_rows_beside_it_change_no_hash(array: pa.Array) -> None:
    alone = [hash_values(array.take(pa.array([i])))[0] for i in range(len(array))]
    np.testing.assert_array_equal(hash_values(array), alone)
    np.testing.assert_array_equal(hash_values(array[1:]), alone[1:])
    equal = {
        (a, b)
        for a in range(len(array))
        for b in range(len(array))
        if array[a].equals(array[b]) and array[a].is_valid
    }
    assert all(alone[a] == alone[b] for a, b in equal)


@pytest.mark.parametrize(
    "dtype", [pa.decimal128(9, 2), pa.month_day_nano_interval(), pa.large_string()], ids=str
)
def test_bytes_after_the_last_value_change_nothing(dtype: pa.DataType) -> None:
    array = pa.repeat(EXAMPLES[dtype], 2)
    buffers = [
        None if buffer is None else pa.py_buffer(buffer.to_pybytes() + b"xyz")
        for buffer in array.buffers()
    ]
    padded = pa.Array.from_buffers(dtype, 2, buffers)
    np.testing.assert_array_equal(hash_values(padded), hash_values(array))
    assert len(hash_values(padded[:0])) == 0


EXAMPLES = {
    pa.decimal128(9, 2): pa.scalar(1, pa.decimal128(9, 2)),
    pa.month_day_nano_interval(): pa.scalar((1, 2, 3), pa.month_day_nano_interval()),
    pa.large_string(): pa.scalar("a", pa.large_string()),
}
