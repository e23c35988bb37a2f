"""What generations on disk and on S3 have in common: tables, manifest, and the space needed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neuralake.errors import DatasetError
from neuralake.tpch.checksum import file_checksum
from neuralake.tpch.layout import Layout
from neuralake.tpch.manifest import FORMAT, SCHEMA_VERSION, DataFile, GeneratedTable, Manifest
from neuralake.tpch.scale import row_count
from neuralake.tpch.tpchgen import Tpchgen

if TYPE_CHECKING:
    from neuralake.tpch.commit import CommittedTable

# A dataset may exceed its estimate by a tenth; a small one consists of logs and footers.
DISK_MARGIN: Final = 1.1
DISK_FLOOR_BYTES: Final = 2_000_000


def commit_facts(tpchgen: Tpchgen, scale_factor: float) -> dict[str, str]:
    """What each table's commit records."""
    return {"generator": tpchgen.name, "scaleFactor": str(scale_factor)}


def check_space(directory: Path, scale_factor: float, needed_bytes: int) -> None:
    """Refuse to begin where the disk will not do.

    Raises
    ------
    DatasetError
        If less is free.
    """
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < needed_bytes:
        raise DatasetError(
            f"too little disk at {directory}: scale factor {scale_factor:g} needs about "
            f"{needed_bytes / 1e6:,.0f} MB, {free_bytes / 1e6:,.0f} MB are free"
        )


def check_rows(name: str, rows: int, scale_factor: float) -> None:
    """Refuse a table that has not the rows of the specification.

    Raises
    ------
    DatasetError
        If it has more or fewer.
    """
    allowed = row_count(name, scale_factor)
    if rows not in allowed:
        raise DatasetError(
            f"the generator made {rows} rows of {name} at scale factor "
            f"{scale_factor:g}: the specification has {allowed.start}"
            + (f" to {allowed.stop - 1}" if len(allowed) > 1 else "")
        )


def generated_table(
    root: Path, name: str, committed: CommittedTable, files: Mapping[str, DataFile]
) -> GeneratedTable:
    """A table as the manifest has it.

    Parameters
    ----------
    root
        Directory in which the table's log is.
    name
        Of the table.
    committed
        What was committed.
    files
        All files that were made, by their paths under the root.
    """
    from neuralake.tpch.commit import FIRST_ENTRY
    from neuralake.tpch.tables import TABLES, schema_fingerprint

    log = root / name / FIRST_ENTRY
    data_files = tuple(files[f"{name}/{file}"] for file in committed.files)
    return GeneratedTable(
        rows=committed.rows,
        size_bytes=sum(file.size_bytes for file in data_files),
        schema=schema_fingerprint(TABLES[name]),
        delta_version=0,
        log=DataFile(
            path=log.relative_to(root).as_posix(),
            size_bytes=log.stat().st_size,
            sha256=file_checksum(log),
        ),
        files=data_files,
    )


def new_manifest(
    tpchgen: Tpchgen, scale_factor: float, layout: Layout, tables: dict[str, GeneratedTable]
) -> Manifest:
    """The manifest of what was just made."""
    return Manifest(
        format=FORMAT,
        schema_version=SCHEMA_VERSION,
        generator=tpchgen.name,
        scale_factor=scale_factor,
        layout=layout,
        tables=tables,
        checksum="blocks",
    )
