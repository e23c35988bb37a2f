"""The records that are written: who sends each, its number, its moment, and seven columns more."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.workloads.rows import ATTRIBUTES, attributes

TABLE = "events"
SCHEMA = pa.schema(
    [
        pa.field("producer", pa.int32(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("intended_at", pa.timestamp("us", tz="UTC"), nullable=False),
        *ATTRIBUTES,
    ]
)
_CYCLE = 65_536  # records after which the seven columns come again
_S = 1_000_000_000


@dataclass(frozen=True)
class Sums:
    """What some records add up to, exactly."""

    number: int
    amount: Decimal
    code: int


class Events:
    """Records by producer and number.

    Parameters
    ----------
    seed
        The same seed gives the same records.

    Attributes
    ----------
    start_us
        The wall clock at the moment 0, in microseconds since 1970; the moment at which each record
        is due is told by it.
    """

    def __init__(self, seed: int) -> None:
        cycle = attributes(_CYCLE, np.random.default_rng((seed, 0xE7)))
        self._twice = pa.Table.from_batches([cycle, cycle]).combine_chunks().to_batches()[0]
        self.start_us = 0

    def batch(self, producer: int, first: int, due_ns: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """Records of a producer from a number on, as many as there are moments.

        Parameters
        ----------
        producer
            Who sends them.
        first
            Number of the first.
        due_ns
            When each is due, at most 65,536 of them.
        """
        count = due_ns.size
        columns = self._twice.slice(first % _CYCLE, count).columns
        own = [
            pa.array(np.full(count, producer, dtype=np.int32)),
            pa.array(np.arange(first, first + count, dtype=np.int64)),
            pa.array(due_ns // 1000 + self.start_us).cast(pa.timestamp("us", tz="UTC")),
        ]
        return pa.RecordBatch.from_arrays([*own, *columns], schema=SCHEMA)

    def sums(self, count: int) -> Sums:
        """What the first records of a producer add up to."""
        whole, rest = divmod(count, _CYCLE)
        amount, code = self._sums_of(_CYCLE)
        more = self._sums_of(rest)
        return Sums(count * (count - 1) // 2, whole * amount + more[0], whole * code + more[1])

    def _sums_of(self, count: int) -> tuple[Decimal, int]:
        some = self._twice.slice(0, count)
        return pc.sum(some["amount"]).as_py() or Decimal(0), pc.sum(some["code"]).as_py() or 0


MOST_AT_ONCE = _CYCLE
