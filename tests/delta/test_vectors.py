"""Deletion vectors are decoded as deltalake decodes them, in every encoding of their format."""

from __future__ import annotations

import base64
import struct
import uuid
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import deltalake
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.delta.actions import DeletionVector
from neuralake.delta.disk import DiskStore
from neuralake.delta.vectors import deleted_rows, kept_rows, vector_place
from tests.delta.make import Action, File, actions, commit, deletion_vector, write_table
from tests.more import drawn

RFC1924 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
SIZE = 200_000  # rows: four containers

Container = Callable[[list[int]], bytes]


def as_array(low: list[int]) -> bytes:
    return struct.pack(f"<{len(low)}H", *low)


def as_bitmap(low: list[int]) -> bytes:
    bits = np.zeros(1 << 16, np.uint8)
    bits[low] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def as_runs(low: list[int]) -> bytes:
    breaks = [0, *(i for i in range(1, len(low)) if low[i] != low[i - 1] + 1), len(low)]
    runs = [low[a:b] for a, b in pairwise(breaks)]
    return struct.pack("<H", len(runs)) + b"".join(
        struct.pack("<HH", run[0], run[-1] - run[0]) for run in runs
    )


def roaring(rows: list[int], with_runs: bool) -> bytes:
    """A 64-bit bitmap of one bucket, after Delta's magic number."""
    containers: dict[int, list[int]] = {}
    for row in rows:
        containers.setdefault(row >> 16, []).append(row & 0xFFFF)
    kinds: list[Container] = [
        as_runs if with_runs and i % 2 == 0 else as_array if len(low) <= 4096 else as_bitmap
        for i, low in enumerate(containers.values())
    ]
    bodies = [kind(low) for kind, low in zip(kinds, containers.values(), strict=True)]
    heads = b"".join(struct.pack("<HH", key, len(low) - 1) for key, low in containers.items())
    if with_runs:
        flags = sum(1 << i for i, kind in enumerate(kinds) if kind is as_runs)
        head = struct.pack("<I", 12347 | (len(containers) - 1) << 16)
        head += flags.to_bytes((len(containers) + 7) // 8, "little")
    else:
        head = struct.pack("<II", 12346, len(containers))
    start = len(head) + len(heads)
    if not with_runs or len(containers) >= 4:
        start += 4 * len(containers)
        offsets = [start + sum(map(len, bodies[:i])) for i in range(len(bodies))]
        heads += struct.pack(f"<{len(offsets)}I", *offsets)
    return struct.pack("<IQI", 1681511377, 1, 0) + head + heads + b"".join(bodies)


def stored(root: Path, rows: list[int], with_runs: bool, prefix: str = "") -> Action:
    """A deletion vector in a file, after another one."""
    number = uuid.uuid4()
    content = b"\x01"
    for data in (roaring([7], False), roaring(rows, with_runs)):
        offset = len(content)
        content += struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    (root / prefix).mkdir(parents=True, exist_ok=True)
    (root / prefix / f"deletion_vector_{number}.bin").write_bytes(content)
    code = base64.b85encode(number.bytes).translate(bytes.maketrans(RFC1924, Z85)).decode()
    return {
        "storageType": "u",
        "pathOrInlineDv": prefix + code,
        "offset": offset,
        "sizeInBytes": len(data),
        "cardinality": len(rows),
    }


def vector(action: Action) -> DeletionVector:
    return msgspec.convert(action, DeletionVector)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vectors")
    data = pa.table({"id": np.arange(SIZE)})
    return write_table(root, data.schema, [File(data, "a")], features=["deletionVectors"])


def by_deltalake(root: Path, action: Action) -> list[int]:
    """The rows that deltalake takes for deleted."""
    start = actions(root, 0)
    with_vector = [
        a if "add" not in a else {"add": a["add"] | {"deletionVector": action}} for a in start
    ]
    commit(root, 0, *with_vector)
    try:
        (batch,) = deltalake.DeltaTable(str(root)).deletion_vectors()
    finally:
        commit(root, 0, *start)
    kept = np.array(pa.record_batch(batch).column("selection_vector")[0].as_py())
    return [int(i) for i in np.flatnonzero(~kept)]


@settings(max_examples=drawn(40))
@given(
    starts=st.lists(
        st.tuples(st.integers(0, SIZE - 1), st.integers(1, 9000)), min_size=1, max_size=9
    ),
    step=st.integers(1, 5),
    with_runs=st.booleans(),
    prefix=st.sampled_from(["", "ab"]),
)
def test_any_rows_in_every_kind_of_container(
    table: Path, starts: list[tuple[int, int]], step: int, with_runs: bool, prefix: str
) -> None:
    rows = sorted({r for first, n in starts for r in range(first, min(first + n, SIZE), step)})
    action = stored(table, rows, with_runs, prefix)

    found = deleted_rows(DiskStore(table), vector(action))

    assert found.tolist() == rows
    assert by_deltalake(table, action) == rows


def test_one_in_the_log(table: Path) -> None:
    action = deletion_vector(0, 3, 4)

    assert vector_place(str(table), vector(action)) is None
    assert deleted_rows(DiskStore(table), vector(action)).tolist() == [0, 3, 4]
    assert kept_rows(DiskStore(table), vector(action)).to_pylist() == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert by_deltalake(table, action) == [0, 3, 4]


def test_where_they_lie() -> None:
    """The protocol's own example, and one with an absolute path."""
    relative = DeletionVector(
        storage_type="u",
        path_or_inline_dv="ab^-aqEH.-t@S}K{vb[*k^",
        offset=4,
        size_in_bytes=40,
        cardinality=6,
    )
    name = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"

    assert vector_place("s3://mytable", relative) == f"ab/{name}"
    for path, place in [
        (f"s3://mytable/{name}", name),
        (f"s3a://mytable/x/{name}", f"x/{name}"),
        (f"s3://other/{name}", f"s3://other/{name}"),
    ]:
        absolute = msgspec.structs.replace(relative, storage_type="p", path_or_inline_dv=path)
        assert vector_place("s3://mytable", absolute) == place


def test_the_example_of_delta_kernel(tmp_path: Path) -> None:
    example = DeletionVector(
        storage_type="i",
        path_or_inline_dv="^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        size_in_bytes=44,
        cardinality=6,
    )

    assert deleted_rows(DiskStore(tmp_path), example).tolist() == [3, 4, 7, 11, 18, 29]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cardinality": 4}, "deletes 3 rows, and the log says 4"),
        ({"offset": 2}, "is damaged"),
        ({"offset": 10**6}, "ends within"),
        ({"storageType": "x"}, "is stored as 'x'"),
        ({"storageType": "i", "pathOrInlineDv": "0" * 40}, "cannot be decoded: its magic number"),
        ({"storageType": "i", "pathOrInlineDv": "wi5b="}, "cannot be decoded"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, change: Action, message: str) -> None:
    action = stored(tmp_path, [1, 2, 3], False) | change

    with pytest.raises(ValueError, match=message):
        deleted_rows(DiskStore(tmp_path), vector(action))
