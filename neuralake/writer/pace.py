"""How soon the next batch may be written: at once where commits cost little.

What comes while a commit is under way goes into the next one, and a commit costs the same whether
it has five rows or five hundred. So few rows need not wait for further ones: they are written as
they come, as long as the process takes no more than a share of a processor. The more rows there are
a second, the more else is to be done with them, here and wherever they are read: then a batch waits
the longer, and gets the larger, up to its age.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# Between the beginnings of two batches, so that there are not more commits, and files, than so
LEAST_NS = 5_000_000
# Rows a second from which on each batch waits for its age
MANY = 20_000
# Of what was known of the rate, that the next batch leaves; and how much of a pause counts in it
_KEPT = 0.8
_LONGEST_NS = 50_000_000


class Pace:
    """The distance from one batch to the next, by what the process has worked since.

    Parameters
    ----------
    share
        Of a processor, that the process may take.
    age_s
        How long a row waits at most, in seconds.
    used_ns
        The processor's time that it has taken, all threads together; a test has its own.
    """

    def __init__(
        self, share: float, age_s: float, used_ns: Callable[[], int] = time.process_time_ns
    ) -> None:
        self._share, self._age_s = share, age_s
        self._used = used_ns
        self._rows = self._elapsed_ns = 0.0
        self._began_ns, self._used_ns = time.monotonic_ns(), used_ns()

    def begin(self, now_ns: int, rows: int) -> None:
        """A batch of some rows is taken."""
        self._rows = _KEPT * self._rows + rows
        since_ns = min(max(now_ns - self._began_ns, 0), _LONGEST_NS)
        self._elapsed_ns = _KEPT * self._elapsed_ns + since_ns
        self._began_ns, self._used_ns = now_ns, self._used()

    def due_ns(self) -> int:
        """From when on the next one may be, if nothing more is done until then."""
        worked_ns = (self._used() - self._used_ns) / self._share
        rate = self._rows / max(self._elapsed_ns / 1e9, 1e-3)
        gathered_ns = self._age_s * 1e9 * min(rate / MANY, 1.0)
        return self._began_ns + round(max(worked_ns, gathered_ns, LEAST_NS))
