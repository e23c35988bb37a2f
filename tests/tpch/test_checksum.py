"""Checksums of files: what they are made of, however the bytes come in."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.errors import DatasetError
from neuralake.tpch.checksum import BLOCK_BYTES, BlockChecksum, checksum, file_checksum
from tests.more import drawn

SIZES = (0, 1, 1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7)


def content(size: int) -> bytes:
    """Bytes of which no two blocks are alike."""
    return np.arange(size // 4 + 1, dtype=np.uint32).tobytes()[:size]


def by_definition(data: bytes) -> str:
    blocks = [data[i : i + BLOCK_BYTES] for i in range(0, len(data), BLOCK_BYTES)]
    return hashlib.sha256(b"".join(xxhash.xxh3_128(b).digest() for b in blocks)).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_it_is_sha256_over_the_checksums_of_the_blocks(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(content(size))
    assert file_checksum(tmp_path / "file") == by_definition(content(size))


def test_it_is_the_same_on_every_machine_and_in_every_version() -> None:
    # XXH3 of nothing and of "a", as its specification has them, and SHA-256 of the second
    assert xxhash.xxh3_128(b"").hexdigest() == "99aa06d3014798d86001c324468d497f"
    assert xxhash.xxh3_128(b"a").hexdigest() == "a96faf705af16834e6c632b61e964e1f"
    found = BlockChecksum()
    found.update(b"a")
    known = hashlib.sha256(bytes.fromhex("a96faf705af16834e6c632b61e964e1f"))
    assert found.hexdigest() == known.hexdigest()


@given(st.sampled_from(SIZES), st.lists(st.floats(0, 1), max_size=8))
def test_it_does_not_matter_how_the_bytes_are_cut(size: int, cuts: list[float]) -> None:
    data, found = content(size), BlockChecksum()
    for start, stop in pairwise([0, *sorted(round(cut * size) for cut in cuts), size]):
        found.update(memoryview(data)[start:stop])
        found.hexdigest()  # asking for it changes nothing
    assert found.hexdigest() == by_definition(data)


@given(st.integers(0, 2 * BLOCK_BYTES), st.integers(1, 255))
@settings(max_examples=drawn(20))
def test_a_changed_byte_is_seen(place: int, by: int) -> None:
    data, found = bytearray(content(2 * BLOCK_BYTES + 1)), BlockChecksum()
    known = by_definition(bytes(data))
    data[place] ^= by
    found.update(bytes(data))
    assert found.hexdigest() != known


def test_blocks_in_another_order_are_seen() -> None:
    data, found = content(2 * BLOCK_BYTES), BlockChecksum()
    found.update(data[BLOCK_BYTES:] + data[:BLOCK_BYTES])
    assert found.hexdigest() != by_definition(data)


def test_older_datasets_are_known_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content(1000))
    expected = hashlib.sha256(content(1000)).hexdigest()
    assert file_checksum(tmp_path / "file", "content") == expected
    assert checksum("content").hexdigest() == hashlib.sha256().hexdigest()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^gone\.parquet cannot be read: No such file"):
        file_checksum(tmp_path / "gone.parquet")
