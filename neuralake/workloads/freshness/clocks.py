"""The wall clock beside the monotonic one: what a file system notes is told by the former."""

from __future__ import annotations

import time

_CLOCK_REALTIME_COARSE = 5  # clock_gettime(2); what ext4 and XFS take their times from
_TRIES = 9


def wall_offset_ns() -> int:
    """The wall clock less the monotonic one, read as close together as can be."""
    tries = []
    for _ in range(_TRIES):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        tries.append((after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2))
    return min(tries)[1]


def tick_ns() -> int:
    """How far the times of files may lag behind the wall clock: a tick of the kernel's.

    Newer kernels note finer times where somebody has asked for the last one; a busy or a virtual
    machine may be late with a tick, by some milliseconds.
    """
    try:
        return round(time.clock_getres(_CLOCK_REALTIME_COARSE) * 1e9)
    except OSError:  # not Linux
        return round(time.clock_getres(time.CLOCK_REALTIME) * 1e9)
