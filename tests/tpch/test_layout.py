from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import DatasetError
from neuralake.tpch.layout import Layout


@pytest.mark.parametrize(
    ("given_as", "codec", "level"),
    [
        ("snappy", "SNAPPY", None),
        ("UNCOMPRESSED", "UNCOMPRESSED", None),
        (" zstd(3) ", "ZSTD", 3),
        ("gzip(0)", "GZIP", 0),
    ],
)
def test_compression_is_read_in_any_case(given_as: str, codec: str, level: int | None) -> None:
    layout = Layout(compression=given_as)
    assert (layout.codec, layout.compression_level) == (codec, level)


@pytest.mark.parametrize(
    ("compression", "message"),
    [
        (
            "LZO",
            "compression 'LZO' is unknown: expected one of UNCOMPRESSED, SNAPPY, LZ4_RAW, ZSTD",
        ),
        ("", "compression '' is unknown"),
        ("ZSTD", r"needs a level from 1 to 22: expected such as ZSTD\(2\)"),
        ("ZSTD(23)", "needs a level from 1 to 22"),
        ("GZIP(10)", "needs a level from 0 to 9"),
        ("SNAPPY(1)", "has no levels: expected SNAPPY"),
    ],
)
def test_an_unknown_compression_is_refused(compression: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        Layout(compression=compression)


@pytest.mark.parametrize("row_group_bytes", [0, -1, 2**20 - 1, 128 * 2**20 + 1])
def test_row_groups_out_of_range_are_refused(row_group_bytes: int) -> None:
    with pytest.raises(DatasetError, match="expected a number from 1048576 to 134217728"):
        Layout(row_group_bytes=row_group_bytes)


@pytest.mark.parametrize("files_per_table", [0, -1, 10_001])
def test_a_number_of_files_out_of_range_is_refused(files_per_table: int) -> None:
    with pytest.raises(DatasetError, match=r"files per table .* expected a number from 1 to 10000"):
        Layout(files_per_table=files_per_table)


@pytest.mark.parametrize(
    ("scale_factor", "files"),
    [(0.001, 1), (1, 1), (10, 1), (10.5, 2), (100, 10), (100_000, 10_000)],
)
def test_the_number_of_files_follows_the_scale_factor(scale_factor: float, files: int) -> None:
    assert Layout().at(scale_factor).files_per_table == files


@given(st.floats(0.001, 100_000), st.integers(2**20, 128 * 2**20))
def test_the_default_number_of_files_is_always_enough(
    scale_factor: float, row_group_bytes: int
) -> None:
    layout = Layout(row_group_bytes=row_group_bytes).at(scale_factor)
    assert layout.at(scale_factor) == layout


def test_files_too_large_for_bounded_memory_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"expected at least 6$"):
        Layout(files_per_table=1).at(1000)
    assert Layout(files_per_table=6).at(1000).files_per_table == 6
