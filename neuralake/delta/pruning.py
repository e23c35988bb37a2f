"""Which row groups of a data file may have rows that a filter finds.

pyarrow derives it from the footer; what it must not believe is kept from it here. Its filters find
NaN unequal to everything and statistics leave it out, so that nothing is said of floats; and a
column that a file has in another type than the table, or under another name, is none of the
filter's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from neuralake.delta.nans import has_floats


def may_hold(
    path: str,
    system: fs.FileSystem,
    filter: ds.Expression,
    schema: pa.Schema,
    partition: Mapping[str, pa.Scalar],
) -> tuple[pq.FileMetaData, list[int]]:
    """The footer of a file, and those of its row groups that may have rows which a filter finds.

    Parameters
    ----------
    path, system
        Of the file.
    filter
        Over the table's columns, by their names.
    schema
        Of the table, without column mapping.
    partition
        Values of the file's partition columns.

    Returns
    -------
    pq.FileMetaData, list of int
        All of them where nothing can be said.
    """
    said = [_is(name, value) for name, value in partition.items()]
    everything = pc.scalar(True)
    fragment = ds.ParquetFileFormat().make_fragment(
        path, system, partition_expression=reduce(and_, said, everything)
    )
    footer = fragment.metadata
    whole = list(range(footer.num_row_groups))
    if not _can_tell(filter, schema, fragment.physical_schema, partition):
        return footer, whole
    try:
        return footer, [group.id for group in fragment.subset(filter, schema=schema).row_groups]
    except (pa.ArrowException, TypeError):  # a filter that pyarrow cannot hold against statistics
        return footer, whole


def named_in(filter: ds.Expression | None, schema: pa.Schema) -> list[str]:
    """Columns that a filter may name: it does not tell them, but they stand in its text."""
    text = "" if filter is None else str(filter)
    return [name for name in schema.names if text and name in text]


def _is(name: str, value: pa.Scalar) -> ds.Expression:
    return pc.field(name) == value if value.is_valid else pc.field(name).is_null()


def _can_tell(
    filter: ds.Expression,
    schema: pa.Schema,
    present: pa.Schema,
    partition: Mapping[str, pa.Scalar],
) -> bool:
    for name in named_in(filter, schema):
        kind = schema.field(name).type
        places = present.get_all_field_indices(name)
        if has_floats(kind):
            return False
        if name in partition:
            if places:
                return False
        elif len(places) != 1 or not present.field(places[0]).type.equals(kind):
            return False
    return True
