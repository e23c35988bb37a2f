"""What one measured call says it took."""

from __future__ import annotations

import gc
import mmap
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neuralake.measure.execution import measure, settle
from neuralake.measure.process import (
    _tree_by_parents,
    peak_memory_bytes,
    process_tree,
    shows_descendants,
    tree_usage,
)

MIB = 2**20
BURN_S = 0.15
BURN = f"""
import time
while time.process_time() < {BURN_S}:
    pass
print(flush=True)
"""


def burn() -> None:
    end = time.process_time() + BURN_S
    while time.process_time() < end:
        pass


def allocate(size_bytes: int) -> None:
    """Touch every page, and give all of them back."""
    with mmap.mmap(-1, size_bytes) as memory:
        for offset in range(0, size_bytes, mmap.PAGESIZE):
            memory[offset] = 1


def test_the_result_is_passed_on() -> None:
    result, execution = measure(lambda: "answer")
    assert result == "answer"
    assert execution.wall_ns > 0


def test_an_exception_passes_and_garbage_is_collected_again() -> None:
    with pytest.raises(ZeroDivisionError):
        measure(lambda: 1 / 0)
    assert gc.isenabled()


def test_garbage_is_not_collected_during_the_call() -> None:
    enabled, _ = measure(gc.isenabled)
    assert not enabled
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        measure(lambda: None)
        assert not gc.isenabled()
    finally:
        gc.enable()


class Circle:
    """Refers to itself, so that only a collection finds it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_loaded_is_not_visited_again_and_later_garbage_is_collected() -> None:
    settle()
    try:
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1000
        found = weakref.ref(Circle())
        assert found() is not None
        measure(lambda: None)
        assert found() is None
    finally:
        gc.unfreeze()
        gc.freeze()  # as the tests have it, whose every collection would take half a second


def test_wall_time_includes_waiting_and_cpu_time_does_not() -> None:
    _, execution = measure(lambda: time.sleep(0.5))
    assert execution.wall_ns >= 500_000_000
    assert execution.cpu_ns is not None
    assert execution.cpu_ns < 400_000_000


def test_cpu_time_of_this_process_counts() -> None:
    _, execution = measure(burn)
    assert execution.cpu_ns is not None
    assert execution.cpu_ns >= BURN_S * 1e9


def test_cpu_time_of_a_child_that_has_ended_counts() -> None:
    _, execution = measure(lambda: subprocess.run([sys.executable, "-c", BURN], check=True))
    assert execution.cpu_ns is not None
    assert execution.cpu_ns >= BURN_S * 1e9 * 0.9  # its clock ticks in 10 ms


def test_cpu_time_of_a_living_child_counts_from_the_call_on() -> None:
    script = (
        BURN + "import sys; sys.stdin.readline()\n" + BURN.replace(str(BURN_S), str(2 * BURN_S))
    )
    script += "sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stdin, stdout = child.stdin, child.stdout
        stdout.readline()  # what it burnt so far is not the call's

        def burn_in_child() -> None:
            stdin.write(b"\n")
            stdin.flush()
            stdout.readline()

        _, idle = measure(lambda: None)
        _, busy = measure(burn_in_child)
        stdin.write(b"\n")
    assert idle.cpu_ns is not None
    assert idle.cpu_ns < 0.5 * BURN_S * 1e9
    assert busy.cpu_ns is not None
    assert busy.cpu_ns >= 0.8 * BURN_S * 1e9


def test_peak_memory_is_that_of_the_call_and_not_of_an_earlier_one() -> None:
    _, big = measure(lambda: allocate(200 * MIB))
    _, small = measure(lambda: allocate(2 * MIB))
    assert big.peak_rss_bytes is not None
    assert small.peak_rss_bytes is not None
    assert big.peak_rss_bytes > 200 * MIB
    assert small.peak_rss_bytes < big.peak_rss_bytes - 150 * MIB


def test_memory_of_a_living_child_counts() -> None:
    script = f"block = bytearray(b'x') * {100 * MIB}; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        _, execution = measure(lambda: None)
        own = peak_memory_bytes([os.getpid()])
        child.stdin.write(b"\n")
    assert execution.peak_rss_bytes is not None
    assert own is not None
    assert execution.peak_rss_bytes > own + 80 * MIB


def test_bytes_come_from_the_disk_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "block"
    file.write_bytes(os.urandom(8 * MIB))
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    _, cold = measure(file.read_bytes)
    _, hot = measure(file.read_bytes)
    assert cold.bytes_read is not None
    assert hot.bytes_read is not None
    if cold.bytes_read == 0:
        pytest.skip(f"{tmp_path} is not on a block device")
    assert cold.bytes_read >= 8 * MIB
    assert hot.bytes_read < MIB


def test_the_tree_holds_grandchildren() -> None:
    script = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'input()']); "
        "print(child.pid, flush=True); child.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        assert process_tree(os.getpid())[0] == os.getpid()
        assert {child.pid, grandchild} <= set(process_tree(os.getpid()))
        child.stdin.write(b"\n")
    assert process_tree(os.getpid()) == [os.getpid()] or grandchild not in process_tree(os.getpid())


def test_the_tree_holds_the_children_of_every_thread() -> None:
    started: queue.Queue[subprocess.Popen[bytes]] = queue.Queue()
    seen = threading.Event()

    def hold() -> None:
        with subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        ) as child:
            started.put(child)
            seen.wait()

    with ThreadPoolExecutor(3) as pool:  # the kernel lists a child at the thread that started it
        holders = [pool.submit(hold) for _ in range(3)]
        children = {started.get().pid for _ in holders}
        tree = process_tree(os.getpid())
        seen.set()
    for holder in holders:
        holder.result()
    assert tree[0] == os.getpid()
    assert children <= set(tree)
    assert len(tree) == len(set(tree))


def test_what_is_not_known_is_none() -> None:
    nobody = 2**22 + 1  # beyond the greatest process number
    assert tree_usage([nobody]).cpu_ns is None
    assert tree_usage([nobody]).bytes_read is None
    assert peak_memory_bytes([nobody]) is None
    assert tree_usage([nobody]).since(tree_usage([os.getpid()])).cpu_ns is None


def fake_proc(root: Path, parents: dict[int, int]) -> str:
    """Processes as a kernel shows them that lists no children."""
    for pid, parent in parents.items():
        (root / str(pid) / "task" / str(pid)).mkdir(parents=True)
        (root / str(pid) / "stat").write_text(f"{pid} (a ) b) S {parent} {pid} 0 0")
    (root / "self").mkdir()
    return str(root)


def test_without_lists_of_children_descendants_are_found_by_their_parents(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path, {1: 0, 7: 1, 8: 7, 9: 8, 10: 1, 11: 7})
    assert process_tree(7, proc) == [7, 8, 11, 9]
    assert process_tree(10, proc) == [10]
    assert shows_descendants(7, proc)


def test_the_two_ways_to_find_descendants_agree() -> None:
    script = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script]) as child:
        try:
            while len(process_tree(child.pid)) < 2:
                time.sleep(0.01)
            assert _tree_by_parents(child.pid, "/proc") == process_tree(child.pid)
        finally:
            for pid in process_tree(child.pid):
                os.kill(pid, signal.SIGKILL)


def test_where_descendants_are_hidden_nothing_is_known_rather_than_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not shows_descendants(7, fake_proc(tmp_path, {7: 6, 8: 7}))
    assert not shows_descendants(7, str(tmp_path / "nothing"))
    monkeypatch.setattr("neuralake.measure.execution.shows_descendants", lambda pid: False)
    result, execution = measure(lambda: sum(range(1000)))
    assert result == 499500
    assert execution.wall_ns > 0
    assert (execution.cpu_ns, execution.peak_rss_bytes, execution.bytes_read) == (None, None, None)
