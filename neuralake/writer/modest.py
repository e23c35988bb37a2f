"""How a process steps back behind those that somebody waits for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_NICENESS = 10  # of 19, the lowest priority
_ARROW_IO_THREADS = 2
_AUTOGROUP = Path("/proc/self/autogroup")


def step_back() -> None:
    """Let other processes go first: a lower priority for this one, and one thread for Arrow.

    It holds for all of the process, and until its end. Where the kernel shares processors out to
    sessions first, and only then to the processes of each (sched(7), "The autogroup feature"), the
    process leaves its session for one of its own: within the old one it would step back behind that
    one's processes alone.
    """
    import pyarrow as pa

    niceness = os.nice(_NICENESS)
    with suppress(OSError):  # no such groups, or it leads a group of processes
        if _AUTOGROUP.exists():
            os.setsid()
            _AUTOGROUP.write_text(str(niceness))
    pa.set_cpu_count(1)
    pa.set_io_thread_count(_ARROW_IO_THREADS)
