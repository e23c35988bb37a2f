"""Events to send: rows of ten columns that follow from their numbers alone, as lines of JSON."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    import polars as pl

_DEVICES = 1000
_KINDS = ("started", "moved", "sold", "ended")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # of Fibonacci hashing (Knuth, TAOCP 6.4)


def event_schema() -> pa.Schema:
    """Columns of an event.

    ``id`` counts from 0; ``moment_ns`` is when it was meant to happen, in nanoseconds since 1970,
    and ``at`` the same as a time. All others follow from ``id``.
    """
    return pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("moment_ns", pa.int64(), nullable=False),
            pa.field("at", pa.timestamp("us", "UTC")),
            pa.field("device", pa.string()),
            pa.field("kind", pa.string()),
            pa.field("amount", pa.decimal128(12, 2)),
            pa.field("quantity", pa.int32()),
            pa.field("price", pa.float64()),
            pa.field("is_valid", pa.bool_()),
            pa.field("note", pa.string()),
        ]
    )


class EventRows:
    """Makes the rows of events; the same for the same numbers and moments."""

    def __init__(self) -> None:
        import polars as pl

        self._devices = pl.Series([f"device-{number:04d}" for number in range(_DEVICES)])
        self._kinds = pl.Series(_KINDS)

    def frame(self, first: int, moments_ns: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Rows of consecutive events.

        Parameters
        ----------
        first
            Number of the first.
        moments_ns
            When each is meant to happen, in nanoseconds since 1970, shape (rows,).
        """
        import polars as pl

        ids = np.arange(first, first + len(moments_ns), dtype=np.int64)
        drawn = (ids.astype(np.uint64) * _MULTIPLIER >> np.uint64(33)).astype(np.int64)
        cents = pl.Series(drawn % 1_000_000).cast(pl.Decimal(12, 2)) / 100
        return pl.DataFrame(
            {
                "id": ids,
                "moment_ns": moments_ns,
                "at": pl.Series(moments_ns // 1000).cast(pl.Datetime("us", "UTC")),
                "device": self._devices[(drawn % _DEVICES).astype(np.uint32)],
                "kind": self._kinds[(drawn % len(_KINDS)).astype(np.uint32)],
                "amount": cents,
                "quantity": (drawn % 100).astype(np.int32),
                "price": (drawn % 10_007) / 8,
                "is_valid": drawn % 7 != 0,
                "note": self._kinds[(drawn % 3).astype(np.uint32)],
            }
        )

    def lines(self, first: int, moments_ns: npt.NDArray[np.int64]) -> list[bytes]:
        """The same rows, each as a JSON object; decimals are texts, times have their offset."""
        written = io.BytesIO()
        self.frame(first, moments_ns).write_ndjson(written)
        return written.getvalue().splitlines()
