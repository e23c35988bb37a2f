"""What the rows of a table come to, whichever types an engine gives them in.

Two engines that read one table need not agree on a type (a timestamp with a zone, the width of an
integer, a view of text); they must on each value and on which values are in a row together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from neuralake.queries.digest import row_hashes
from neuralake.queries.hashing import Hashes, hash_values, mixed
from neuralake.queries.plain import plain_batches


@dataclass(frozen=True)
class Content:
    """Rows, in any order, as checksums.

    Attributes
    ----------
    rows
        How many.
    checksum
        Of the rows as they are, 16 hexadecimal digits.
    columns
        Checksums of the values of each column, by its name.
    """

    rows: int
    checksum: str
    columns: Mapping[str, str] = field(default_factory=dict)


def content_of(tables: Sequence[pa.Table]) -> Content:
    """Checksums of the rows of several results of the same columns, whatever their order.

    Parameters
    ----------
    tables
        Results; their columns may stand in different orders.

    Raises
    ------
    QueryError
        If a column is of a type that pyarrow cannot open.
    """
    names = sorted(tables[0].column_names)
    of_columns = dict.fromkeys(names, np.uint64(0))
    of_rows, rows = np.uint64(0), 0
    with np.errstate(over="ignore"):
        for batch in (b for table in tables for b in plain_batches(table.select(names))):
            hashes = [hash_values(column) for column in batch.columns]
            for name, column in zip(names, hashes, strict=True):
                of_columns[name] += _sum(column)
            of_rows += _sum(row_hashes(hashes, batch.num_rows))
            rows += batch.num_rows
    return Content(rows, _text(of_rows), {n: _text(total) for n, total in of_columns.items()})


def _sum(hashes: Hashes) -> np.uint64:
    return np.uint64(mixed(hashes).sum(dtype=np.uint64))


def _text(number: np.uint64) -> str:
    return f"{int(number):016x}"
