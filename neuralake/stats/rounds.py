"""Ratios over rounds: both sides are measured in each, so that a drift is in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from neuralake.stats.ratio import Ratio, ratio_of_medians
from neuralake.stats.summary import Interval, median_interval

_BLOCKS = 20


def paired_ratio(
    base: Sequence[float], other: Sequence[float], confidence: float = 0.95
) -> Interval | None:
    """Median over rounds of ``other`` ÷ ``base``, with its distribution-free interval.

    A round is one observation, however many samples it has: they share a process, a table and the
    state of the disk. The interval of five rounds reaches 94 %, that of six 97 %.

    Parameters
    ----------
    base, other
        One positive, finite number a round each, in the same order.
    confidence
        Between 0 and 1.

    Returns
    -------
    Interval | None
        None without a round.
    """
    if not base:
        return None
    ratios = [b / a for a, b in zip(base, other, strict=True)]
    return median_interval(ratios, confidence)


def drift(values: npt.ArrayLike, ends: int, confidence: float = 0.95) -> Ratio | None:
    """Median of the last samples ÷ median of the first, with an interval.

    Neighbouring samples are not independent: one pass of compaction slows many in a row. The
    interval is therefore not that of the samples, but of the medians of blocks of samples in a row
    (batch means; Law and Kelton, Simulation Modeling and Analysis, 9.5.3), put around the ratio of
    the medians of all.

    Parameters
    ----------
    values
        Positive numbers in the order in which they were taken.
    ends
        How many count as the first, and as the last.
    confidence
        Between 0 and 1.

    Returns
    -------
    Ratio | None
        None if first and last would overlap.
    """
    array = np.asarray(values, dtype=float)
    if ends < 1 or array.size < 2 * ends:
        return None
    first, last = array[:ends], array[-ends:]
    ratio = float(np.median(last) / np.median(first))
    blocks = min(_BLOCKS, ends)
    of_blocks = ratio_of_medians(
        [float(np.median(block)) for block in np.array_split(first, blocks)],
        [float(np.median(block)) for block in np.array_split(last, blocks)],
        confidence,
    )
    if of_blocks.low is None or of_blocks.high is None:
        return Ratio(ratio, None, None, confidence)
    return Ratio(
        ratio,
        ratio * of_blocks.low / of_blocks.ratio,
        ratio * of_blocks.high / of_blocks.ratio,
        confidence,
    )
