"""For how long a process has waited for a processor."""

from __future__ import annotations

import os

from neuralake.measure.process import delayed_ns


def test_threads_that_wait_for_a_processor_are_counted() -> None:
    first = delayed_ns([os.getpid()])
    assert first is not None
    own = os.sched_getaffinity(0)
    children = []
    try:
        os.sched_setaffinity(0, {min(own)})  # two of them on one processor
        children = [os.posix_spawn("/bin/sh", ["sh", "-c", "while :; do :; done"], {})]
        while (delayed_ns([os.getpid()]) or 0) <= first:
            sum(range(10_000))
    finally:
        os.sched_setaffinity(0, own)
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def test_a_process_that_is_gone_has_none() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    assert delayed_ns([pid]) is None
