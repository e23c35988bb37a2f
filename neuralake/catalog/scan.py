"""A Delta snapshot as a LazyFrame of Polars, by the fastest reader that gives its rows.

``snapshot-files``
    Polars' own scan of the data files, where they alone are the rows. ``scan_delta`` hides them
    from the optimizer of Polars 2.1: a join then does not reduce the scan on its other side.
``scan-delta``
    Polars' own reader of Delta, for what it supports: partitions and deletion vectors.
``arrow``
    Neuralake's reader (:mod:`neuralake.delta.rows`) for the rest: column mapping, widened types,
    INT96 within lists, files outside the table, reader features that Polars refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import pyarrow as pa

from neuralake.config import is_remote
from neuralake.delta.contents import Contents
from neuralake.delta.snapshot import HIVE_NULL, DataFile, Snapshot

if TYPE_CHECKING:
    import polars as pl

    from neuralake.delta.rows import Source

Reader = Literal["snapshot-files", "scan-delta", "arrow"]

# Reader features that scan_delta of Polars 2.1 accepts
_SCAN_DELTA_FEATURES = frozenset({"deletionVectors", "timestampNtz"})


def choose_reader(contents: Contents, preferred: Reader = "snapshot-files") -> Reader:
    """The preferred reader, or the fastest other one, that gives a snapshot's rows as they are."""
    snapshot = contents.snapshot
    if not snapshot.files or contents.has_other_types or contents.has_nested_int96:
        return "arrow"
    if contents.has_other_case:
        return "arrow"
    if contents.has_dictionaries and any(map(holds_enum, contents.schemas.values())):
        return "arrow"
    suited: dict[Reader, bool] = {
        preferred: preferred == "arrow",
        "snapshot-files": snapshot.beyond_files is None,
        "scan-delta": _suits_scan_delta(contents),
    }
    return next((reader for reader, suits in suited.items() if suits), "arrow")


def scan(contents: Contents, reader: Reader) -> pl.LazyFrame:
    """Rows as a LazyFrame, read by the reader that was chosen."""
    if reader == "arrow":
        return scan_arrow(contents.snapshot)
    import polars as pl

    snapshot = contents.snapshot
    options = dict(snapshot.storage_options) or None
    if reader == "scan-delta":
        return pl.scan_delta(snapshot.handle, storage_options=options)
    if contents.is_uniform and not contents.int96_columns and not contents.has_dictionaries:
        # Not with a schema: Polars 2.1 plans a scan with one without looking at the footers, and
        # not knowing the number of rows it joins in orders that take up to five times as long.
        return pl.scan_parquet(
            snapshot.paths, glob=False, hive_partitioning=False, storage_options=options
        )
    return pl.scan_parquet(
        snapshot.paths,
        schema=polars_schema(contents.snapshot.schema),
        glob=False,
        hive_partitioning=False,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(
            datetime_cast=["nanosecond-downcast", "convert-timezone"],
            categorical_to_string="allow",
        ),
        storage_options=options,
    )


def _suits_scan_delta(contents: Contents) -> bool:
    snapshot = contents.snapshot
    # It takes the percent-encoded names of deltalake 1.6 for the names of files
    is_encoded = not is_remote(snapshot.handle.table_uri) and "%" in snapshot.handle.table_uri
    # It reads partition values as CSV
    types = [snapshot.schema.field(name).type for name in snapshot.partition_columns]
    return (
        snapshot.features <= _SCAN_DELTA_FEATURES
        and snapshot.mapping == "none"
        and not snapshot.has_absolute_paths
        and not contents.int96_columns
        and not contents.has_dictionaries
        and not is_encoded
        and "=" not in snapshot.uri  # of which it takes a directory for a partition, too
        and not any(pa.types.is_binary(kind) for kind in types)
        and not contents.log_narrows_decimals
        and _has_whole_statistics(snapshot)
        and all(_is_hive_path(file, snapshot) for file in snapshot.files)
    )


def _has_whole_statistics(snapshot: Snapshot) -> bool:
    """Whether what the log tells of a struct column it tells of all of its fields, or of none.

    scan_delta of Polars 2.1 casts it to the column's type, and fails where a field is missing; a
    log has no least binary or list, for instance.
    """
    return all(
        _fields(kind.field(f.name).type) == _fields(f.type)
        for kind in snapshot.statistics.values()
        for f in snapshot.schema
        if pa.types.is_struct(f.type) and kind.get_field_index(f.name) >= 0
    )


def _fields(kind: pa.DataType) -> dict[str, Any] | None:
    """Names of a struct's fields, with those of the structs in it."""
    return {f.name: _fields(f.type) for f in kind} if pa.types.is_struct(kind) else None


def _is_hive_path(file: DataFile, snapshot: Snapshot) -> bool:
    """Whether the path of a file says its partition values: scan_delta asks it, and not the log."""
    folders = file.uri.removeprefix(f"{snapshot.uri.rstrip('/')}/").split("/")[:-1]
    if len(folders) != len(file.partition):
        return False
    for folder in folders:
        name, _, text = folder.partition("=")
        value = file.partition.get(name)
        if value is None:
            return False
        if not (_is_said(value, text) if value.is_valid else text == HIVE_NULL):
            return False
    return True


def _is_said(value: pa.Scalar, text: str) -> bool:
    try:
        return text != HIVE_NULL and bool(pa.scalar(unquote(text)).cast(value.type) == value)
    except pa.ArrowException:
        return False


def scan_arrow(source: Source) -> pl.LazyFrame:
    """Rows as a LazyFrame, read by Neuralake itself; columns are pushed down, filters are not."""
    from polars.io.plugins import register_io_source

    from neuralake.delta.rows import FilesDataset  # with pyarrow.dataset, which is slow to load

    dataset = FilesDataset(source)

    def read(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG001 - the plugin's signature
    ) -> Iterator[pl.DataFrame]:
        return frames_of(dataset.to_batches(columns=with_columns), predicate, n_rows)

    return register_io_source(read, schema=polars_schema(dataset.schema))


def frames_of(
    batches: Iterable[pa.RecordBatch], predicate: pl.Expr | None, n_rows: int | None
) -> Iterator[pl.DataFrame]:
    """What an I/O source of Polars gives it: of the first rows those that are asked for.

    Parameters
    ----------
    batches
        All rows, read as they are asked for.
    predicate
        Which of them are wanted, or None.
    n_rows
        How many are looked at; all if None.
    """
    import polars as pl

    left = n_rows
    for batch in batches:
        frame = pl.DataFrame(batch)
        if left is not None:
            frame = frame.head(left)
            left -= frame.height
        yield frame if predicate is None else frame.filter(predicate)
        if left == 0:
            return


def moments_in_utc(frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    """A frame of a schema whose moments are told in UTC, as those of every engine are."""
    import polars as pl

    zoned = [
        name
        for name, kind in schema.items()
        if isinstance(kind, pl.Datetime) and kind.time_zone not in (None, "UTC")
    ]
    return frame.with_columns(pl.col(zoned).dt.convert_time_zone("UTC")) if zoned else frame


def holds_enum(schema: pa.Schema) -> bool:
    """Whether Polars reads a column, or what is in it, as an Enum: it makes no text of one."""
    import polars as pl

    encoded = [f for f in schema if "dictionary" in str(f.type)]
    frame = pl.DataFrame(pa.schema(encoded).empty_table())
    return any("Enum" in str(kind) for kind in frame.schema.dtypes())


def polars_schema(schema: pa.Schema) -> pl.Schema:
    """A schema as Polars holds the rows."""
    import polars as pl

    return pl.DataFrame(schema.remove_metadata().empty_table()).schema
