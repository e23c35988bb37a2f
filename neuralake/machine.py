"""What this machine lends to the process that asks: processors and memory."""

from __future__ import annotations

import os
from pathlib import Path


def cores() -> int:
    """Number of processors this process may use (its CPU affinity)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Physical memory, or the control group's limit where that is smaller."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _number(Path("/sys/fs/cgroup/memory.max"))
    return min(physical, limit) if limit is not None else physical


def available_memory_bytes() -> int:
    """Memory that can be taken without swapping (Linux ``MemAvailable``), within the limit."""
    available = memory_bytes()
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                available = min(available, int(line.split()[1]) * 1024)
    except OSError:
        return available
    limit, used = (_number(Path(f"/sys/fs/cgroup/memory.{name}")) for name in ("max", "current"))
    if limit is not None and used is not None:
        available = min(available, max(limit - used, 0))
    return available


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
