"""One measured call."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from neuralake.measure.control_groups import throttled_since, throttling
from neuralake.measure.counter import Counter
from neuralake.measure.process import (
    peak_memory_bytes,
    process_tree,
    reset_peak_memory,
    shows_descendants,
    tree_usage,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Execution:
    """What one call took, in this process and its descendants.

    Attributes
    ----------
    wall_ns
        Elapsed time of the call alone (monotonic clock), in nanoseconds.
    cpu_ns
        CPU time of the process tree during the call; this and what follows is None where the
        system does not tell which processes descend from this one, or the work was done by others
        (a cluster, a server), rather than a part of it.
    peak_rss_bytes
        Peak resident memory of the tree during the call.
    bytes_read
        Bytes read from block devices during the call.
    bytes_written
        Bytes written to files on block devices during the call: of a query, what was spilled.
    throttled_periods, throttled_ns
        How often and for how long a quota of CPU time stopped processes of the control group during
        the call, summed over processors; None where there is no quota.
    instructions
        Executed in user space during the call; None where nobody counts them.
    cycles
        That a simulated processor would need for them; None where none is simulated.
    """

    wall_ns: int
    cpu_ns: int | None
    peak_rss_bytes: int | None
    bytes_read: int | None
    throttled_periods: int | None = None
    throttled_ns: int | None = None
    bytes_written: int | None = None
    instructions: int | None = None
    cycles: int | None = None

    def of_work_elsewhere(self) -> Execution:
        """The elapsed time alone: of what others did for the call, this tree tells nothing."""
        return Execution(self.wall_ns, None, None, None)


def settle() -> None:
    """Let later collections of garbage pass over every object that is alive now.

    A collection visits all objects it knows, tens of thousands in a process with a few libraries.
    Before a query of 20 ms it took as long, left the processor's caches cold, and made the query
    5 % slower than it is without (benchmarks/fidelity/hot_loop.py). What was loaded and opened
    stays anyway.
    """
    gc.collect()
    gc.freeze()


def measure(call: Callable[[], T], counter: Counter | None = None) -> tuple[T, Execution]:
    """Call once and say what it took.

    Garbage is collected before and not during the call, and nothing else of ours stands between
    the two readings of the clock. Counters are read outside of them, instructions next to them.

    Parameters
    ----------
    call
        What is measured; its exceptions pass through.
    counter
        Of instructions, if there is one.
    """
    with _no_collection():
        pid = os.getpid()
        whole = shows_descendants(pid)
        before = process_tree(pid)
        reset_peak_memory(before)
        throttled = throttling()
        used = tree_usage(before)
        if counter is not None:
            counter.start()
        start = time.perf_counter_ns()
        result = call()
        wall_ns = time.perf_counter_ns() - start
        counted = counter.stop() if counter is not None else None
        # a process that the call started counts from its own beginning
        after = process_tree(pid)
        usage = tree_usage(after).since(used)
        peak = peak_memory_bytes(after)
        stopped = throttled_since(throttled)
    return result, Execution(
        wall_ns,
        usage.cpu_ns if whole else None,
        peak if whole else None,
        usage.bytes_read if whole else None,
        throttled_periods=stopped.periods if stopped else None,
        throttled_ns=stopped.time_ns if stopped else None,
        bytes_written=usage.bytes_written if whole else None,
        instructions=counted.instructions if counted else None,
    )


def count(call: Callable[[], T], counter: Counter) -> tuple[T, Execution]:
    """Call once and say how many instructions it took, and how long while they were counted.

    Where a simulator counts, everything else takes fifty times as long too, and would say nothing
    of the call: it is not asked.

    Parameters
    ----------
    call
        What is counted; its exceptions pass through.
    counter
        Of instructions.
    """
    with _no_collection():
        begun_ns = time.perf_counter_ns()
        counter.start()
        result = call()
        counted = counter.stop()
        wall_ns = time.perf_counter_ns() - begun_ns
    return result, Execution(
        wall_ns, None, None, None, instructions=counted.instructions, cycles=counted.cycles
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """No collection of garbage within, and none due."""
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
