"""How large TPC-H is at a scale factor: rows by the specification, bytes by measurement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from neuralake.errors import DatasetError
from neuralake.tpch.layout import DEFAULT_ROW_GROUP_BYTES, Layout

SMALLEST_SCALE_FACTOR = 0.001
LARGEST_SCALE_FACTOR = 100_000.0

TABLE_NAMES = (
    "region",
    "nation",
    "supplier",
    "customer",
    "part",
    "partsupp",
    "orders",
    "lineitem",
)

# TPC-H 4.2.5.1. Partsupp has four rows a part.
_FIXED_ROWS = MappingProxyType({"region": 5, "nation": 25})
_ROWS_PER_SCALE_FACTOR = MappingProxyType(
    {"supplier": 10_000, "customer": 150_000, "part": 200_000, "orders": 1_500_000}
)
# Published from 1 on (TPC-H 4.2.5.1); below that the count of dbgen's own output.
_LINEITEM_ROWS: Mapping[float, int] = MappingProxyType(
    {
        0.01: 60_175,
        0.1: 600_572,
        1: 6_001_215,
        10: 59_986_052,
        30: 179_998_372,
        100: 600_037_902,
        300: 1_799_989_091,
        1_000: 5_999_989_709,
        3_000: 18_000_048_306,
        10_000: 59_999_994_267,
        30_000: 179_999_978_268,
        100_000: 599_999_969_200,
    }
)

# Bytes of all tables at scale factor 1 with Snappy and the default row groups, and what each
# further power of ten adds to that, as keys need more bits (benchmarks/generation/sizes.py).
_SNAPPY_BYTES_AT_SCALE_FACTOR_1 = 362e6
_SNAPPY_BYTES_PER_DECADE = 33e6
# Size relative to Snappy, of the lowest level of each codec that is not level 0.
_SIZE_BY_CODEC = MappingProxyType(
    {"UNCOMPRESSED": 1.86, "SNAPPY": 1.0, "LZ4_RAW": 1.04, "ZSTD": 0.78, "GZIP": 1.0, "BROTLI": 0.9}
)
_GROWTH_PER_HALVED_ROW_GROUP = 0.04
# Footers and dictionaries of one more file of each table.
_BYTES_PER_FILE_OF_EACH_TABLE = 50_000


def check_scale_factor(scale_factor: float) -> None:
    """Refuse a scale factor for which there is no valid data.

    Raises
    ------
    DatasetError
        If it is not finite or out of range.
    """
    if not SMALLEST_SCALE_FACTOR <= scale_factor <= LARGEST_SCALE_FACTOR:
        raise DatasetError(
            f"scale factor {scale_factor:g} is out of range: "
            f"expected a number from {SMALLEST_SCALE_FACTOR:g} to {LARGEST_SCALE_FACTOR:.0f}"
        )


def row_count(table: str, scale_factor: float) -> range:
    """Row counts that the specification allows (TPC-H 4.2.5).

    Parameters
    ----------
    table
        Name of a TPC-H table.
    scale_factor
        Any valid scale factor; a fraction of a row is cut off.

    Returns
    -------
    range
        One number, but for ``lineitem`` at a scale factor whose count is not published: an order
        has 1 to 7 items with equal probability, mean 4 and standard deviation 2, so that eight
        standard errors about four an order hold any count that is not a fault.
    """
    if table in _FIXED_ROWS:
        return _exactly(_FIXED_ROWS[table])
    if table == "partsupp":
        return _exactly(4 * row_count("part", scale_factor).start)
    if table != "lineitem":
        return _exactly(int(_ROWS_PER_SCALE_FACTOR[table] * scale_factor))
    if scale_factor in _LINEITEM_ROWS:
        return _exactly(_LINEITEM_ROWS[scale_factor])
    orders = row_count("orders", scale_factor).start
    spread = math.ceil(8 * 2 * math.sqrt(orders))
    return range(max(orders, 4 * orders - spread), min(7 * orders, 4 * orders + spread) + 1)


def estimate_bytes(scale_factor: float, layout: Layout) -> int:
    """Bytes of a dataset, within a tenth for the default layout.

    Parameters
    ----------
    scale_factor
        Any valid scale factor.
    layout
        Compression and row-group bytes change the size.
    """
    snappy = scale_factor * (
        _SNAPPY_BYTES_AT_SCALE_FACTOR_1 + _SNAPPY_BYTES_PER_DECADE * math.log10(scale_factor)
    )
    codec = layout.codec if layout.compression_level != 0 else "UNCOMPRESSED"
    halvings = max(0.0, math.log2(DEFAULT_ROW_GROUP_BYTES / layout.row_group_bytes))
    rows = snappy * _SIZE_BY_CODEC[codec] * (1 + _GROWTH_PER_HALVED_ROW_GROUP * halvings)
    return round(rows) + (layout.files_per_table or 1) * _BYTES_PER_FILE_OF_EACH_TABLE


def _exactly(count: int) -> range:
    return range(count, count + 1)
