"""A process that steps back does so behind every other one, not behind its session's alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_CHILD = """
import json, os
from pathlib import Path
from neuralake.writer.modest import step_back

step_back()
group = Path("/proc/self/autogroup")
said = group.read_text().split() if group.exists() else []
print(json.dumps({"nice": os.nice(0), "session": os.getsid(0), "pid": os.getpid(), "group": said}))
"""


def stepped_back(*, leads: bool) -> dict[str, object]:
    """What a process is after it has stepped back."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        check=True,
        capture_output=True,
        process_group=0 if leads else None,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_process_that_steps_back_has_a_session_and_a_low_priority_of_its_own() -> None:
    found = stepped_back(leads=False)
    assert found["nice"] == min(os.nice(0) + 10, 19)
    if found["group"]:  # a kernel with autogroups: "/autogroup-123 nice 10"
        assert found["session"] == found["pid"]
        assert found["group"][1:] == ["nice", str(found["nice"])]  # type: ignore[index]
    else:
        assert found["session"] == os.getsid(0)


def test_one_that_leads_processes_lowers_nobody_else() -> None:
    before = Path("/proc/self/autogroup")
    said = before.read_text() if before.exists() else None
    found = stepped_back(leads=True)
    assert found["nice"] == min(os.nice(0) + 10, 19)
    assert found["session"] == os.getsid(0)
    assert (before.read_text() if before.exists() else None) == said
