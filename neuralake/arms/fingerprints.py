"""Results by their digests: one that is not known yet is kept as a file.

An arm that is timed does this itself, after the clock has stopped. One that is counted hands each
result over as it is: under Valgrind what a digest is made with (NumPy, Arrow's functions) takes
longer to load than some engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from neuralake.queries.digest import digest
from neuralake.queries.plain import plain_batches


def fingerprint(result: pa.Table, answer: Path, known: str | None, order_by: Sequence[str]) -> str:
    """Digest of a result, which is kept unless that is the known one.

    Parameters
    ----------
    result
        Of a query.
    answer
        File for it (Arrow IPC, in plain columns).
    known
        Digest of an earlier result, or None.
    order_by
        Names of the columns that the rows are ordered by.

    Raises
    ------
    QueryError
        If a column is of a type that pyarrow cannot open.
    """
    found = digest(result, order_by)
    if found != known:
        batches = plain_batches(result)
        first = next(batches)
        with pa.ipc.new_file(str(answer), first.schema) as writer:
            for batch in chain((first,), batches):
                writer.write_batch(batch)
    return found


def take_over(handed: Path) -> pa.Table:
    """Read a result that another process has handed over, and remove its file."""
    try:
        return pa.ipc.open_stream(handed.read_bytes()).read_all()
    finally:
        handed.unlink(missing_ok=True)
