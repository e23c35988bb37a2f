"""Where the time of a record goes on its way into the table, and why the latest are late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neuralake.results.freshness.records import Parts
from neuralake.results.freshness.samples import WAYS
from neuralake.results.freshness.spans import Spans
from neuralake.results.parts import read_part
from neuralake.stats.distribution import Distribution

# In the order of the way; together they are all of it, and each name has its column in WAYS
STAGES = ("send", "receive", "decode", "gather", "turn", "encode", "write", "commit")
# Of the last four, what the thread of the append waited for
DELAYED, BLOCKED = "delayed", "blocked"
_LATE = "99"
_US, _MS = 1000, 1e6
_Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stage:
    """How long a stage took, in milliseconds a record.

    Attributes
    ----------
    percentiles_ms
        By level, where there are records enough.
    mean_ms
        Of all records.
    late_ms
        The mean of those that were in the table after p99, and not before; None without them.
    """

    percentiles_ms: Mapping[str, float]
    mean_ms: float
    late_ms: float | None


def stages(directory: Path, parts: Sequence[Parts], spans: Spans) -> dict[str, Stage]:
    """The stages of the ways of all records that are in the figures; none where nobody kept them.

    Records that came to the writer together count by their mean. ``delayed`` and ``blocked`` are
    parts of the stages from ``turn`` on: for how long the thread of the append waited for a
    processor, and for the disk or another thread.

    Parameters
    ----------
    directory
        Of the run.
    parts
        Of the rounds of one case.
    spans
        When records were due.
    """
    tables = [read_part(directory, own.ways) for own in parts if own.ways is not None]
    table = pa.concat_tables([WAYS.empty_table(), *tables])
    table = table.filter(pa.array(spans.is_beside(table["due_ns"].to_numpy())))
    if not table.num_rows:
        return {}
    records = table["records"].to_numpy()
    took = {name: table[f"{name}_ns"].to_numpy() for name in STAGES}
    whole = np.sum(list(took.values()), axis=0)
    if not table["delayed_ns"].null_count:
        took[DELAYED] = table["delayed_ns"].to_numpy()
        own = np.sum([took[name] for name in STAGES[STAGES.index("turn") :]], axis=0)
        took[BLOCKED] = np.maximum(own - took[DELAYED] - table["worked_ns"].to_numpy(), 0)
    late = _late(whole // _US, records)
    return {name: _stage(ns, records, late) for name, ns in took.items()}


def _late(whole_us: _Array, records: _Array) -> npt.NDArray[np.bool_]:
    """Which lie beyond p99; or are p99, where so many came together that none lies beyond."""
    bound_us = _weighted(whole_us * _US, records).percentile(_LATE)
    if bound_us is None:
        return np.zeros(whole_us.size, bool)
    beyond = whole_us > bound_us
    return beyond if beyond.any() else whole_us == whole_us.max()


def _stage(took_ns: _Array, records: _Array, late: npt.NDArray[np.bool_]) -> Stage:
    found = _weighted(took_ns, records).percentiles(("50", "99"))
    return Stage(
        {level: us / _US for level, us in found.items()},
        float(np.average(took_ns, weights=records)) / _MS,
        float(np.average(took_ns[late], weights=records[late])) / _MS if late.any() else None,
    )


def _weighted(took_ns: _Array, records: _Array) -> Distribution:
    """Whole microseconds, each as often as there are records."""
    values, places = np.unique(took_ns // _US, return_inverse=True)
    return Distribution(values, np.bincount(places, records).astype(np.int64))
