"""How a process steps back behind those that somebody waits for."""

from __future__ import annotations

import os

_NICENESS = 10  # of 19, the lowest priority
_ARROW_IO_THREADS = 2


def step_back() -> None:
    """Let other processes go first: a lower priority for this one, and one thread for Arrow.

    It holds for all of the process, and until its end.
    """
    import pyarrow as pa

    os.nice(_NICENESS)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(_ARROW_IO_THREADS)
