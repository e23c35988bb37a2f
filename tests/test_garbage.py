"""The garbage collector of processes that go on for long."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
import pyarrow
from neuralake.garbage import collect_seldom

class Circle:
    def __init__(self):
        self.itself = self

before = weakref.ref(Circle())
collect_seldom()
print(before(), gc.get_freeze_count() > 10_000, gc.isenabled())
circles = [weakref.ref(Circle()) for _ in range(20_000)]
print(sum(circle() is None for circle in circles) > 0)
"""


def test_what_is_loaded_is_looked_at_no_more_and_circles_still_go() -> None:
    """In a process of its own: what it sets holds for the whole of one."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.split("\n")[:2] == ["None True True", "True"]
