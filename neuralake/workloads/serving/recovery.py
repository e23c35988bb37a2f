"""When a server answers as before: after the end of a load that it could not carry."""

from __future__ import annotations

import numpy as np

from neuralake.results.serving.samples import OK
from neuralake.workloads.serving.outcomes import Outcomes

WINDOW_NS = 100_000_000
SLOWER = 3.0
IN_A_ROW = 5


def recovery_ns(outcomes: Outcomes, load_ns: int, after_ns: int) -> int | None:
    """From the load's end until requests were answered as before.

    Before the load and after it a low rate is offered. The time after it is cut into windows of a
    tenth of a second, by the moments at which requests were due. A window is good if each of its
    requests was answered and their median latency is at most three times that before the load.
    Recovery is the beginning of the first five good windows in a row: its resolution is a tenth of
    a second.

    Parameters
    ----------
    outcomes
        Of the load, which is due from 0 on, and of the low rate around it.
    load_ns, after_ns
        How long the load and the low rate after it lasted.

    Returns
    -------
    int | None
        Nanoseconds; None if there are no such windows, or nothing was answered before the load.
    """
    intended = outcomes.column("intended")
    latency = outcomes.column("done") - intended
    is_ok = outcomes.column("status") == OK
    before = is_ok & (intended < 0)
    if not before.any():
        return None
    most_ns = SLOWER * float(np.median(latency[before]))
    windows = (intended - load_ns) // WINDOW_NS
    good: list[int] = []
    for window in range(after_ns // WINDOW_NS):
        inside = windows == window
        if not inside.any():
            continue
        if is_ok[inside].all() and np.median(latency[inside]) <= most_ns:
            good.append(window)
            if len(good) == IN_A_ROW:
                return good[0] * WINDOW_NS
        else:
            good.clear()
    return None
