"""What ROAPI cannot serve, or answers wrongly, by the name of what a table has.

ROAPI 0.12.7 (DataFusion 47, delta-rs 0.26) stops at its start over one table that it cannot read,
and gives other rows than there are, without a word, of some that it can. Every reason here was
tried: ``tests/serving/roapi/test_refusals.py`` holds ROAPI's own answers against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from neuralake.arrow import stored_schema
from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.catalog.views import is_view
from neuralake.config import Settings, is_remote
from neuralake.delta.bounds import has_wide_decimals
from neuralake.delta.contents import Contents
from neuralake.delta.snapshot import Snapshot
from neuralake.errors import CatalogError
from neuralake.storage import filesystem, one_line

# Of readers, which delta-rs 0.26 accepts; any other, used or not, stops ROAPI
_READ_FEATURES = frozenset({"timestampNtz"})
_PLAIN = "/+=,@:"  # beside letters, digits and -._~, what a path may have that is no URI


class Freshness(StrEnum):
    """What of a table ROAPI keeps, and whether it sees a commit made after its start."""

    MEMORY = "memory"
    FILES = "files"
    RELOAD = "reload"

    @property
    def is_in_memory(self) -> bool:
        """Whether all rows are read at the start, and kept."""
        return self is Freshness.MEMORY


def refusal(table: Table, freshness: Freshness, settings: Settings) -> str | None:
    """Why ROAPI cannot serve a table, or None if it can.

    Parameters
    ----------
    table
        Resolved.
    freshness
        How it would be served.
    settings
        Whose storage options are those that ROAPI finds in its environment.
    """
    if not isinstance(table, DeltaTable | ParquetTable):
        maker = "a database holds it" if table.format == "adbc" else "a function makes it"
        return f"{maker}, and ROAPI reads nothing but files"
    if is_view(table):
        return "its columns are computed or may be missing, or only its newest rows are wanted"
    reason = _unreachable(table, settings)
    if reason is not None:
        return reason
    try:
        if isinstance(table, ParquetTable):
            return _parquet_refusal(table, freshness)
        return _delta_refusal(table, freshness)
    except CatalogError as error:
        return str(error)
    except (OSError, ValueError, pa.ArrowException) as error:
        return f"it cannot be read: {one_line(error, table.storage_options)}"


def _unreachable(table: DeltaTable | ParquetTable, settings: Settings) -> str | None:
    if dict(table.storage_options) != settings.storage_options(table.uri):
        return (
            "it has storage options of its own, and ROAPI knows none but the environment's (AWS_…)"
        )
    path = table.uri.removeprefix("s3://")
    if quote(path, safe=_PLAIN) != path:
        return f"its location {table.uri} has characters that ROAPI takes for a pattern or a URI's"
    return None


def _delta_refusal(table: DeltaTable, freshness: Freshness) -> str | None:
    if table.version is not None:
        return f"it is pinned to version {table.version}, and ROAPI reads the newest alone"
    if table.at is not None:
        return f"it is read as of {table.at}, and ROAPI reads the newest alone"
    contents = table.contents()
    reason = _log_refusal(contents.snapshot)
    if reason is not None:
        return reason
    if freshness.is_in_memory:
        return _memory_refusal(contents)
    return _statistics_refusal(contents, freshness)


def _log_refusal(snapshot: Snapshot) -> str | None:
    """Of what the log says, however the files are read."""
    unread = sorted(snapshot.features - _READ_FEATURES)
    if snapshot.mapping != "none":
        return "it has column mapping"
    if unread:
        return f"it has the reader feature {' and '.join(unread)}"
    if not snapshot.files:
        return "it has no data file, of which ROAPI answers without columns"
    if snapshot.has_absolute_paths:
        return "its log names files by absolute paths (a shallow clone)"
    if snapshot.has_empty_partition_values:
        return "its log has an empty partition value, which is null, and ROAPI gives ''"
    return None


def _statistics_refusal(contents: Contents, freshness: Freshness) -> str | None:
    """Of statistics, by which ROAPI passes over files and rows."""
    snapshot = contents.snapshot
    if contents.has_other_case:
        return "its files name columns in another case, at which ROAPI's queries fail"
    if _has_struct_without_bounds(snapshot.schema, snapshot.statistics):
        return "it has a struct of which the log tells no bounds, at which ROAPI's queries fail"
    if freshness is Freshness.RELOAD and any(map(has_wide_decimals, snapshot.schema.types)):
        return "it has a decimal of more than 15 digits, whose bounds the next commit may round"
    if contents.log_narrows_decimals:
        return "its log rounds the bounds of a decimal, by which ROAPI passes over rows"
    return _nan_refusal(hides_nan=contents.hides_nan)


def _memory_refusal(contents: Contents) -> str | None:
    """Of a table that ROAPI reads file by file, as if the log told nothing else."""
    partitions = contents.snapshot.partition_columns
    if partitions:
        return f"it has partition columns ({', '.join(partitions)}), which the files do not have"
    if not contents.is_uniform:
        return "its files do not all have the table's columns in its order"
    if contents.int96_columns:
        return "its files hold times as INT96, which ROAPI takes for nanoseconds"
    if contents.has_dictionaries:
        return "its files hold dictionaries"
    if (name := _column_of_other_names(contents)) is not None:
        return f"its files name what is in {name} otherwise than Delta does"
    return None


def _column_of_other_names(contents: Contents) -> str | None:
    """A column with a list or a map whose parts ROAPI finds named otherwise (``item``)."""
    stored = [stored_schema(footer) for footer in contents.footers.values()]
    for field in contents.snapshot.schema:
        if pa.types.is_nested(field.type) and any(
            str(schema.field(field.name).type) != str(field.type) for schema in stored
        ):
            return str(field.name)
    return None


def _parquet_refusal(table: ParquetTable, freshness: Freshness) -> str | None:
    if table.partitioned_by:
        return "it has Hive partitions, whose values are in its paths and not in its files"
    checked = table.checked()
    footers = checked.by_file
    extra = _beside(table, set(footers))
    if extra is not None:
        return f"ROAPI reads {extra} too, which is none of its files"
    if checked.has_other_zones:
        return "its times are told in another zone than UTC, by which ROAPI takes their day"
    is_uniform = checked.schema_unless_uniform is None
    if not is_uniform and (freshness.is_in_memory or _has_dictionary(footers)):
        return "its files differ in the order or the encoding of their columns"
    return None if freshness.is_in_memory else _nan_refusal(hides_nan=checked.may_hide_nan())


def _nan_refusal(*, hides_nan: bool) -> str | None:
    if not hides_nan:
        return None
    return "it has NaN that the statistics of its files leave out, by which ROAPI passes over rows"


def _beside(table: ParquetTable, files: set[str]) -> str | None:
    """A file of a directory that ROAPI reads as well: names with ``.`` or ``_`` mean nothing."""
    if files == {table.uri}:
        return None
    prefix = "s3://" if is_remote(table.uri) else ""
    system, path = filesystem(table.uri, table.storage_options)
    found = system.get_file_info(fs.FileSelector(path, recursive=True))
    names = sorted(prefix + entry.path for entry in found if entry.type == fs.FileType.File)
    return next((n for n in names if n.endswith(".parquet") and n not in files), None)


def _has_dictionary(footers: Mapping[str, pq.FileMetaData]) -> bool:
    return any(
        pa.types.is_dictionary(kind)
        for footer in footers.values()
        for kind in stored_schema(footer).types
    )


def _has_struct_without_bounds(schema: pa.Schema, statistics: Mapping[str, pa.StructType]) -> bool:
    """Whether the log tells bounds, but of a struct none: delta-rs 0.26 panics over it."""
    told = statistics.get("min")
    return told is not None and _is_without_bounds(pa.struct(list(schema)), told)


def _is_without_bounds(kind: pa.StructType, told: pa.StructType) -> bool:
    names = {told.field(i).name: told.field(i).type for i in range(told.num_fields)}
    for i in range(kind.num_fields):
        field = kind.field(i)
        if not pa.types.is_struct(field.type):
            continue
        within = names.get(field.name)
        if within is None or not pa.types.is_struct(within) or not within.num_fields:
            return True
        if _is_without_bounds(field.type, within):
            return True
    return False
