"""The rows that are written: ten columns of the types that events have, the same from any seed.

A batch is one of a few templates, made beforehand, with its own number and its own ids, so that no
time goes into making rows while appends are measured, and every row can be told from every other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.workloads.rows import ATTRIBUTES, attributes

SCHEMA = pa.schema(
    [
        pa.field("batch", pa.int64(), nullable=False),
        pa.field("id", pa.int64(), nullable=False),
        ("happened_at", pa.timestamp("us", tz="UTC")),
        *ATTRIBUTES,
    ]
)
_EPOCH_US = 1_700_000_000_000_000  # 2023-11-14
_MOST_ROWS = 2**18
_MOST_TEMPLATES = 16


@dataclass(frozen=True)
class Sums:
    """What the rows of a template add up to, exactly.

    Attributes
    ----------
    amount
        Of the column ``amount``.
    code
        Of the column ``code``.
    """

    amount: Decimal
    code: int


class Batches:
    """Batches by their number.

    Parameters
    ----------
    rows
        Of each batch.
    seed
        The same seed gives the same batches.
    """

    def __init__(self, rows: int, seed: int) -> None:
        self.rows = rows
        count = max(min(_MOST_ROWS // rows, _MOST_TEMPLATES), 2)
        self.templates = tuple(_template(rows, seed, number) for number in range(count))
        self._steps = np.arange(rows, dtype=np.int64)

    def batch(self, number: int) -> pa.RecordBatch:
        """The batch of a number: ids from ``number × rows`` on."""
        template = self.templates[number % len(self.templates)]
        own = [
            pa.array(np.full(self.rows, number, dtype=np.int64)),
            pa.array(self._steps + number * self.rows),
        ]
        return pa.RecordBatch.from_arrays([*own, *template.columns[2:]], schema=SCHEMA)

    def sums(self) -> tuple[Sums, ...]:
        """Of each template; that of a batch is its number modulo their count."""
        return tuple(
            Sums(
                pc.sum(template["amount"]).as_py() or Decimal(0),
                pc.sum(template["code"]).as_py() or 0,
            )
            for template in self.templates
        )


def rows_of_size(size_bytes: int, seed: int) -> int:
    """Rows of a batch that takes about so many bytes in memory (as Arrow holds it)."""
    sample = _template(1000, seed, 0)
    return max(size_bytes * 1000 // int(sample.nbytes), 1)


def _template(rows: int, seed: int, number: int) -> pa.RecordBatch:
    random = np.random.default_rng((seed, number))
    own = [
        pa.array(np.full(rows, number, dtype=np.int64)),
        pa.array(np.arange(rows, dtype=np.int64)),
        pa.array(_EPOCH_US + np.cumsum(random.integers(0, 5000, rows))).cast(
            pa.timestamp("us", tz="UTC")
        ),
    ]
    columns = attributes(rows, random).columns
    return pa.RecordBatch.from_arrays([*own, *columns], schema=SCHEMA)
