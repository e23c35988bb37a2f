"""What the whole machine did: processor time of everybody, and what a hypervisor withheld."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Activity:
    """Processor time since some moment, in seconds.

    Attributes
    ----------
    elapsed_s
        Elapsed time.
    processors
        Of the machine, those included that this process may not use.
    busy_s
        In which any program ran, this one included, summed over the processors.
    own_s
        In which this process ran, or one that it has started and waited for.
    stolen_s
        In which a virtual processor had work and its hypervisor ran something else (proc(5),
        ``steal``).
    """

    elapsed_s: float
    processors: int
    busy_s: float
    own_s: float
    stolen_s: float


def activity() -> Activity | None:
    """The activity since the machine was started; None where the kernel does not tell.

    ``own_s`` counts from the start of this process: only differences mean anything.
    """
    try:
        lines = _STAT.read_text().splitlines()
        # user nice system idle iowait irq softirq steal; guests are within user (proc(5))
        ticks = [int(word) for word in lines[0].split()[1:9]]
        user, nice, system, _, _, irq, softirq, stolen = ticks
    except (OSError, ValueError, IndexError):
        return None
    per_second = os.sysconf("SC_CLK_TCK")
    processors = sum(line[:3] == "cpu" and line[3:4].isdigit() for line in lines)
    own = os.times()
    return Activity(
        elapsed_s=time.monotonic(),
        processors=processors,
        busy_s=(user + nice + system + irq + softirq) / per_second,
        own_s=own.user + own.system + own.children_user + own.children_system,
        stolen_s=stolen / per_second,
    )


def activity_since(before: Activity | None) -> Activity | None:
    """What was done since an earlier :func:`activity`; None if it was not known."""
    now = activity()
    if before is None or now is None:
        return None
    return Activity(
        elapsed_s=now.elapsed_s - before.elapsed_s,
        processors=now.processors,
        busy_s=now.busy_s - before.busy_s,
        own_s=now.own_s - before.own_s,
        stolen_s=now.stolen_s - before.stolen_s,
    )
