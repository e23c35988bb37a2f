"""What the machine did: counted by the kernel, this process and its children included."""

from __future__ import annotations

import subprocess
import sys

from neuralake.measure.activity import activity, activity_since

BURN = "import time\nwhile time.process_time() < 0.5: pass"


def test_a_child_that_was_waited_for_is_one_s_own() -> None:
    before = activity()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    found = activity_since(before)
    assert found is not None
    assert found.own_s >= 0.4  # the kernel counts in ticks
    assert found.busy_s >= 0.4
    assert found.processors >= 1
    assert 0 <= found.stolen_s <= found.elapsed_s * found.processors


def test_what_was_not_known_before_is_not_known_after() -> None:
    assert activity_since(None) is None
