"""How the rows of a dataset are laid out in Parquet files."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from types import MappingProxyType

from neuralake.errors import DatasetError

DEFAULT_ROW_GROUP_BYTES = 7 * 2**20
DEFAULT_COMPRESSION = "SNAPPY"
SMALLEST_ROW_GROUP_BYTES = 2**20
LARGEST_ROW_GROUP_BYTES = 128 * 2**20
LARGEST_FILES_PER_TABLE = 10_000

# Codecs that every engine here reads, with the levels that tpchgen-cli takes.
_LEVELS = MappingProxyType(
    {
        "UNCOMPRESSED": None,
        "SNAPPY": None,
        "LZ4_RAW": None,
        "ZSTD": range(1, 23),
        "GZIP": range(10),
        "BROTLI": range(12),
    }
)
_COMPRESSION = re.compile(r"(?P<codec>[A-Z0-9_]+)(?:\((?P<level>[0-9]{1,2})\))?")

# One file a table for each of these, so that a file stays at a few gigabytes.
_SCALE_FACTOR_PER_FILE = 10
# On S3 one for each 1, as files lie on this machine until they are there: lineitem's 220 MB.
_SCALE_FACTOR_PER_REMOTE_FILE = 1
# A Parquet writer holds the metadata of all row groups of a file in memory until the file ends:
# 10,000 of lineitem's take about 200 MB. Its row groups need 371 MiB per scale factor.
_MOST_ROW_GROUPS_PER_FILE = 10_000
_LINEITEM_BYTES_PER_SCALE_FACTOR = 371 * 2**20


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Options of the Parquet writer.

    Attributes
    ----------
    row_group_bytes
        Approximate size of a row group before compression, 1 to 128 MiB.
    compression
        ``SNAPPY``, ``UNCOMPRESSED``, ``LZ4_RAW``, ``ZSTD(1)`` … ``ZSTD(22)``, ``GZIP(0)`` …
        ``GZIP(9)`` or ``BROTLI(0)`` … ``BROTLI(11)``.
    files_per_table
        Data files of each table, but of ``nation`` and ``region``, which have one; a table with
        fewer rows has fewer. None takes one for each 10 of the scale factor, and on S3 one for
        each 1.
    """

    row_group_bytes: int = DEFAULT_ROW_GROUP_BYTES
    compression: str = DEFAULT_COMPRESSION
    files_per_table: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "compression", self.compression.strip().upper())
        if not SMALLEST_ROW_GROUP_BYTES <= self.row_group_bytes <= LARGEST_ROW_GROUP_BYTES:
            raise DatasetError(
                f"row-group bytes {self.row_group_bytes} are out of range: expected a number "
                f"from {SMALLEST_ROW_GROUP_BYTES} to {LARGEST_ROW_GROUP_BYTES}"
            )
        if self.files_per_table is not None and not (
            1 <= self.files_per_table <= LARGEST_FILES_PER_TABLE
        ):
            raise DatasetError(
                f"files per table {self.files_per_table} are out of range: "
                f"expected a number from 1 to {LARGEST_FILES_PER_TABLE}"
            )
        _check_compression(self.compression)

    @property
    def codec(self) -> str:
        """Compression without its level."""
        return self.compression.partition("(")[0]

    @property
    def compression_level(self) -> int | None:
        """Level of the compression, where the codec has levels."""
        match = _COMPRESSION.fullmatch(self.compression)
        return int(match["level"]) if match and match["level"] else None

    def at(self, scale_factor: float, *, remote: bool = False) -> Layout:
        """The same layout with its number of files, for one scale factor.

        Parameters
        ----------
        scale_factor
            Any valid one.
        remote
            Whether the dataset lies on S3.

        Raises
        ------
        DatasetError
            If the files would be so large that writing them took more than bounded memory.
        """
        files = self.files_per_table
        if files is None:
            size = _SCALE_FACTOR_PER_REMOTE_FILE if remote else _SCALE_FACTOR_PER_FILE
            files = min(max(1, math.ceil(scale_factor / size)), LARGEST_FILES_PER_TABLE)
        row_groups = scale_factor * _LINEITEM_BYTES_PER_SCALE_FACTOR / self.row_group_bytes
        fewest = math.ceil(row_groups / _MOST_ROW_GROUPS_PER_FILE)
        if files < fewest:
            raise DatasetError(
                f"files per table {files} are too few for scale factor {scale_factor:g} with row "
                f"groups of {self.row_group_bytes} bytes: expected at least {fewest}"
            )
        return replace(self, files_per_table=files)


def _check_compression(compression: str) -> None:
    match = _COMPRESSION.fullmatch(compression)
    if match is None or match["codec"] not in _LEVELS:
        raise DatasetError(
            f"compression {compression!r} is unknown: expected one of {', '.join(_LEVELS)}, "
            f"such as SNAPPY or ZSTD(1)"
        )
    codec, level = match["codec"], match["level"]
    levels = _LEVELS[codec]
    if levels is None:
        if level is not None:
            raise DatasetError(f"compression {compression!r} has no levels: expected {codec}")
    elif level is None or int(level) not in levels:
        raise DatasetError(
            f"compression {compression!r} needs a level from {levels[0]} to {levels[-1]}: "
            f"expected such as {codec}({levels[1]})"
        )
