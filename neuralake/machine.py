"""What this machine lends to the process that asks: processors and memory.

A container, a service of systemd and a pod of Kubernetes are lent less than the machine has; the
limits of their control groups count as the machine's own do.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from neuralake.measure import control_groups
from neuralake.measure.kernel import labelled

_ROOT = Path("/")


def processors() -> int:
    """Number of processors on which this process may run (its CPU affinity)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores(root: Path = _ROOT) -> int:
    """Number of threads that can use what this process may have of the processors.

    A quota of CPU time is rounded up, so that all of it can be used: half a core is 1, and 2.5 are
    3, as the JVM counts them too.

    Parameters
    ----------
    root
        Directory in which ``proc`` and the control groups are looked up.
    """
    quota = control_groups.cpu_quota(root)
    return processors() if quota is None else max(1, min(processors(), math.ceil(quota)))


def memory_bytes(root: Path = _ROOT) -> int:
    """Physical memory, or the limit of the control groups where that is smaller."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = control_groups.memory_limit_bytes(root)
    return physical if limit is None else min(physical, limit)


def memory_limit_bytes(root: Path = _ROOT) -> int | None:
    """The limit of the control groups on memory; None if it is no smaller than the machine's."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = control_groups.memory_limit_bytes(root)
    return limit if limit is not None and limit < physical else None


def available_memory_bytes(root: Path = _ROOT) -> int:
    """Memory that can be taken without swapping (Linux ``MemAvailable``), within the limit."""
    available = memory_bytes(root)
    kibibytes = labelled(root / "proc/meminfo", "MemAvailable:")
    if kibibytes is not None:
        available = min(available, kibibytes * 1024)
    free = control_groups.free_memory_bytes(root)
    return available if free is None else min(available, free)
