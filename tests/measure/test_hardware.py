"""Counters of the kernel: of the process, its threads and its children, or why there is none."""

from __future__ import annotations

import errno
import mmap
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from neuralake.measure.execution import measure
from neuralake.measure.hardware import (
    INSTRUCTIONS,
    PAGE_FAULTS,
    TASK_CLOCK_NS,
    CounterRefusedError,
    HardwareCounter,
    _whole_count,
    hardware_counter,
    refusal,
    why_not_counted,
)

PAGES = 1000
BURN_NS = 50_000_000
MOST_OF_IT_NS = 45_000_000  # the clock of a thread and that of its counter differ by a little


def touch() -> None:
    """Write to pages that nobody had before."""
    with mmap.mmap(-1, PAGES * mmap.PAGESIZE) as memory:
        for offset in range(0, len(memory), mmap.PAGESIZE):
            memory[offset] = 1


def burn() -> None:
    end = time.thread_time_ns() + BURN_NS
    while time.thread_time_ns() < end:
        pass


def add() -> None:
    sum(range(10**6))


def add_twice() -> None:
    add()
    add()


def in_a_thread() -> None:
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()


def in_a_child() -> None:
    code = f"import time\nwhile time.process_time_ns() < {BURN_NS}: pass"
    subprocess.run([sys.executable, "-c", code], check=True)


def in_a_thread_of_a_child() -> None:
    code = (
        f"import threading, time\ndef burn():\n while time.thread_time_ns() < {BURN_NS}: pass\n"
        "t = threading.Thread(target=burn); t.start(); t.join()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_counter_counts_what_happens_between_start_and_stop() -> None:
    counter = HardwareCounter(PAGE_FAULTS)
    touch()
    counter.start()
    touch()
    assert PAGES <= (counter.stop().instructions or 0) < 1.5 * PAGES
    counter.start()
    assert (counter.stop().instructions or 0) < PAGES / 10
    counter.close()


@pytest.mark.parametrize("work", [burn, in_a_thread, in_a_child, in_a_thread_of_a_child])
def test_threads_and_children_count_that_are_started_afterwards(work: object) -> None:
    counter = HardwareCounter(TASK_CLOCK_NS)
    counter.start()
    work()  # type: ignore[operator]
    assert (counter.stop().instructions or 0) >= MOST_OF_IT_NS
    counter.close()


def test_threads_count_that_there_were_before() -> None:
    ready, go, done = threading.Event(), threading.Event(), threading.Event()

    def wait_and_burn() -> None:
        ready.set()
        go.wait()
        burn()
        done.set()

    thread = threading.Thread(target=wait_and_burn)
    thread.start()
    ready.wait()
    counter = HardwareCounter(TASK_CLOCK_NS)
    counter.start()
    go.set()
    done.wait()
    assert (counter.stop().instructions or 0) >= MOST_OF_IT_NS
    thread.join()
    counter.close()


def test_it_is_what_a_measured_call_took() -> None:
    counter = HardwareCounter(PAGE_FAULTS)
    _, execution = measure(touch, counter)
    assert PAGES <= (execution.instructions or 0) < 1.5 * PAGES
    _, execution = measure(touch)
    assert execution.instructions is None
    counter.close()


def test_instructions_are_counted_or_it_is_said_why_not() -> None:
    counter, reason = hardware_counter(), why_not_counted()
    if counter is None:  # as on most virtual machines
        assert reason
        assert "\n" not in reason
        with pytest.raises(CounterRefusedError, match=reason[:20]):
            HardwareCounter(INSTRUCTIONS)
        return
    assert reason is None
    one, two = (measure(call, counter)[1].instructions or 0 for call in (add, add_twice))
    assert 10**6 < one < two < 3 * one
    counter.close()


def test_a_count_that_was_taken_in_turns_is_not_known() -> None:
    assert _whole_count((5, 0, 0), (105, 8_000_000, 7_999_000)) == 100
    assert _whole_count((5, 0, 0), (105, 8_000_000, 4_000_000)) is None


def test_a_refusal_leaves_no_descriptor_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (no iterator holds one open)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        found = why_not_counted(TASK_CLOCK_NS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found is not None
    assert "Too many open files" in found or "no such counter" in found
    assert why_not_counted(TASK_CLOCK_NS) is None
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize(
    ("number", "level", "expected"),
    [
        (errno.ENOENT, 2, "this machine has no such counter, as most virtual machines"),
        (errno.EOPNOTSUPP, 2, "this machine has no such counter, as most virtual machines"),
        (
            errno.EACCES,
            3,
            "the kernel refuses: kernel.perf_event_paranoid is 3, expected 2 or less",
        ),
        (errno.EPERM, 1, "the kernel refuses perf_event_open, as in most containers"),
        (errno.EINVAL, 2, "the kernel refuses: Invalid argument"),
    ],
)
def test_a_refusal_says_what_to_do(number: int, level: int, expected: str, tmp_path: Path) -> None:
    (tmp_path / "paranoid").write_text(f"{level}\n")
    assert refusal(OSError(number, os.strerror(number)), tmp_path / "paranoid") == expected


def test_a_container_may_hide_the_level(tmp_path: Path) -> None:
    error = OSError(errno.EPERM, os.strerror(errno.EPERM))
    assert refusal(error, tmp_path / "absent").endswith("as in most containers")
