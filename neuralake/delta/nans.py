"""Whether a column of floats holds a NaN that the statistics of its file leave out.

The least and the greatest value in a footer, or in the log, are by most writers those of the
numbers alone. An engine to which NaN is greater than every number, and which takes the two for all
that there is, passes over rows that a filter finds (``x > 5`` where 2 is the greatest), keeps
others, or gives the one number for all. Only the values tell. Source: Parquet format,
``parquet.thrift``, ColumnOrder ("When looking for NaN values, min and max should be ignored").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.storage import filesystem

_FILES_AT_ONCE = 8
_ROWS_AT_ONCE = 131_072
# Writers that give no statistics, or NaN as the greatest value, where there is one
_PARQUET_MR = re.compile(r"parquet-mr version (\d+)\.(\d+)")
_PARQUET_MR_SINCE = (1, 10)
_DUCKDB = "DuckDB"


def has_floats(kind: pa.DataType) -> bool:
    """Whether a type is, or a struct holds at any depth, a float of which there are statistics."""
    if pa.types.is_struct(kind):
        return any(has_floats(field.type) for field in kind)
    return bool(pa.types.is_floating(kind))


def hides_nan(footers: Mapping[str, pq.FileMetaData], options: Mapping[str, str]) -> bool:
    """Whether one of these files holds a NaN that its statistics leave out.

    Parameters
    ----------
    footers
        Of the files, by their URIs. Of columns that leave it open all values are read, up to the
        first NaN, and of others none.
    options
        What reaches the files.

    Raises
    ------
    OSError, ValueError, pa.ArrowException
        If one cannot be read.
    """
    if not footers:
        return False
    with ThreadPoolExecutor(min(_FILES_AT_ONCE, len(footers))) as pool:
        for found in pool.map(lambda uri: _hides_nan(uri, footers[uri], options), footers):
            if found:
                pool.shutdown(wait=False, cancel_futures=True)
                return True
    return False


def _hides_nan(uri: str, footer: pq.FileMetaData, options: Mapping[str, str]) -> bool:
    groups = open_to_question(footer)
    if not groups:
        return False
    system, path = filesystem(uri, options)
    with pq.ParquetFile(path, filesystem=system, metadata=footer) as file:
        for group, columns in groups.items():
            for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=columns):
                if any(_has_nan(values) for values in batch.columns):
                    return True
    return False


def open_to_question(footer: pq.FileMetaData) -> dict[int, list[str]]:
    """Columns of floats, by their paths, of which a NaN may be left out, by the row group.

    A row group of NaN alone has no least and no greatest value, and is passed over by an engine
    that takes those of the others for the file's. No engine has statistics of what is within a list
    or a map.
    """
    written_by = footer.created_by or ""
    version = _PARQUET_MR.match(written_by)
    if version is not None and tuple(map(int, version.groups())) >= _PARQUET_MR_SINCE:
        return {}
    if written_by.startswith(_DUCKDB):
        return {}
    leaves = [footer.schema.column(i) for i in range(len(footer.schema.names))]
    floats = [i for i, leaf in enumerate(leaves) if _is_float(leaf)]
    found: dict[int, list[str]] = {}
    for i in floats:
        known = [footer.row_group(g).column(i).statistics for g in range(footer.num_row_groups)]
        if any(s is not None and s.has_min_max for s in known):
            for group, statistics in enumerate(known):
                if _leaves_open(statistics):
                    found.setdefault(group, []).append(leaves[i].path)
    return found


def _is_float(leaf: pq.ColumnSchema) -> bool:
    is_float = leaf.physical_type in ("FLOAT", "DOUBLE") or leaf.logical_type.type == "FLOAT16"
    return bool(is_float and leaf.max_repetition_level == 0)


def _leaves_open(statistics: pq.Statistics | None) -> bool:
    if statistics is None:
        return True
    if not statistics.has_min_max:
        return not statistics.has_null_count or statistics.num_values > 0
    bounds = (statistics.min, statistics.max)
    return not any(isinstance(value, float) and math.isnan(value) for value in bounds)


def _has_nan(values: pa.Array) -> bool:
    types = pa.types
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_struct(values.type):
        return any(map(_has_nan, values.flatten()))
    if types.is_float16(values.type):
        values = values.cast(pa.float32())
    if not types.is_floating(values.type):
        return False
    import pyarrow.compute as pc  # which is slow to load, and seldom needed

    return pc.any(pc.is_nan(values)).as_py() is True
