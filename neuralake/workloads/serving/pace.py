"""Which request is due when: a load, and around it a low rate that shows how a server recovers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from neuralake.results.records import Arrivals
from neuralake.workloads.schedule import arrivals


@dataclass(frozen=True)
class Pace:
    """When requests are due.

    Attributes
    ----------
    kind
        ``constant`` or ``poisson``, of the load.
    per_second
        Requests a second.
    duration_ns
        Time in which they are due.
    low_per_second
        The low rate before the load and after it, at even distances.
    before_ns, after_ns
        For how long; 0 for none.
    seed
        Of random arrivals.
    """

    kind: Arrivals
    per_second: float
    duration_ns: int
    low_per_second: float = 0.0
    before_ns: int = 0
    after_ns: int = 0
    seed: int = 1

    def moments(self) -> Iterator[int]:
        """Nanoseconds from the start of the load; those before it are negative."""
        yield from self._low(-self.before_ns, self.before_ns)
        load = arrivals(self.kind, self.per_second, self.seed)
        yield from itertools.takewhile(lambda at: at < self.duration_ns, load)
        yield from self._low(self.duration_ns, self.after_ns)

    def _low(self, start_ns: int, length_ns: int) -> Iterator[int]:
        if length_ns and self.low_per_second:
            low = arrivals("constant", self.low_per_second, self.seed)
            yield from (start_ns + at for at in itertools.takewhile(lambda at: at < length_ns, low))


@dataclass(frozen=True)
class ClosedLoop:
    """Each connection asks again when it has its answer.

    Attributes
    ----------
    connections
        Requests under way at once.
    duration_ns
        Time in which requests are begun.
    """

    connections: int
    duration_ns: int
