"""Whoever is killed takes along what it has started as mortal."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.conftest import is_gone

PARENT = """
import subprocess, sys
from neuralake.mortal import mortal
child = subprocess.Popen(mortal([sys.executable, "-c", "print('up', flush=True); input()"]),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
input()
"""


def test_what_a_killed_process_has_started_ends_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert parent.returncode == -signal.SIGKILL
    assert is_gone(child)
