"""The garbage collector of a process that goes on for long, and that somebody waits for."""

from __future__ import annotations

import gc

from neuralake.measure.execution import settle

# New objects between two looks at them, where Python has 700, and looks between two at older ones.
# Records of a source come by the thousand, each of them an object, and none is part of a circle
_THRESHOLDS = 10_000, 10, 10


def collect_seldom() -> None:
    """Collect now, never look at what has been loaded again, and seldom at what comes.

    To be called once all is loaded. A collection holds all threads up.
    """
    settle()
    gc.set_threshold(*_THRESHOLDS)
