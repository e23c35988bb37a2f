"""Patience with what another process or thread does, as of a machine that is very busy."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 600.0


def until(
    holds: Callable[[], object], *, every_s: float = 0.01, patience_s: float = WAIT_S
) -> None:
    """Wait until something holds."""
    end_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end_s, "nothing goes on"
        time.sleep(every_s)
