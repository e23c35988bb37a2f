"""A short fingerprint of a result, to see that a later run gave the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from neuralake.queries.hashing import Hashes, combined, hash_values, mixed
from neuralake.queries.plain import plain_batches

_SECOND_LANE = np.uint64(0xD6E8FEB86659FD93)


def digest(table: pa.Table, order_by: Sequence[str] = ()) -> str:
    """Digest of a result: column names, types, and rows, in any order but for what is ordered.

    Equal digests mean equal results: the same rows, and the columns that they are ordered by in the
    same order, so that rows which tie may come in any. Unequal ones can still be equal in meaning
    (another tie cut by a LIMIT, the last bit of a sum of floats), which
    :func:`neuralake.queries.answers.compare` decides.

    Parameters
    ----------
    table
        Any result.
    order_by
        Names of the columns that its rows are ordered by, whatever their case.

    Returns
    -------
    str
        32 hexadecimal digits (BLAKE2b, 128 bit) of two sums of the rows' hashes.

    Raises
    ------
    QueryError
        If a column is of a type that pyarrow cannot open.
    """
    ordered = {name.lower() for name in order_by}
    keys = [i for i, name in enumerate(table.column_names) if name.lower() in ordered]
    found = hashlib.blake2b(digest_size=16)
    sums = np.zeros(3, np.uint64)
    rows = 0
    with np.errstate(over="ignore"):
        for number, batch in enumerate(plain_batches(table)):
            if number == 0:
                header = [f"{field.name}:{field.type}" for field in batch.schema]
                found.update("\n".join(header).encode())
            columns = [hash_values(column) for column in batch.columns]
            whole = row_hashes(columns, batch.num_rows)
            places = np.arange(rows, rows + batch.num_rows, dtype=np.uint64)
            order = row_hashes([columns[i] for i in keys], batch.num_rows)
            sums += np.array(
                [
                    mixed(whole).sum(dtype=np.uint64),
                    mixed(whole ^ _SECOND_LANE).sum(dtype=np.uint64),
                    combined(places, order).sum(dtype=np.uint64) if keys else 0,
                ],
                np.uint64,
            )
            rows += batch.num_rows
    found.update(sums.astype("<u8").tobytes())
    found.update(rows.to_bytes(8, "little"))
    return found.hexdigest()


def row_hashes(columns: Sequence[Hashes], count: int) -> Hashes:
    """One hash a row of those of its values.

    Parameters
    ----------
    columns
        A hash of each value, (count,) a column.
    count
        Number of rows.
    """
    hashes = np.zeros(count, np.uint64)
    for column in columns:
        hashes = combined(hashes, column)
    return hashes
