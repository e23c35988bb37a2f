"""What a process and all its descendants have used, from ``/proc`` (Linux).

Elsewhere, and for what the kernel does not tell, a figure is None: a missing fact is missing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neuralake.measure.kernel import labelled

_PROC = Path("/proc")
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Totals of a process tree.

    Attributes
    ----------
    cpu_ns
        User and system CPU time, in nanoseconds, of processes that ended and were waited for too.
    bytes_read
        Bytes fetched from block devices (``read_bytes`` of ``/proc/PID/io``); what came from the
        page cache is not counted.
    bytes_written
        Bytes on their way to block devices (``write_bytes``): counted when the page cache takes
        them, so that a file counts that is removed before a disk sees it.
    """

    cpu_ns: int | None
    bytes_read: int | None
    bytes_written: int | None

    def since(self, earlier: Usage) -> Usage:
        """What was used after an earlier reading."""
        return Usage(
            cpu_ns=_difference(self.cpu_ns, earlier.cpu_ns),
            bytes_read=_difference(self.bytes_read, earlier.bytes_read),
            bytes_written=_difference(self.bytes_written, earlier.bytes_written),
        )


def process_tree(pid: int, proc: str = "/proc") -> list[int]:
    """A process and its living descendants, itself first.

    Each of its threads may have children. There are dozens of threads, and this is read just before
    each measured call: with plain system calls it takes a quarter of what ``pathlib`` takes.

    Where the kernel lists no children (it is built without ``CONFIG_PROC_CHILDREN``), each process
    is asked for its parent, which takes a few milliseconds.

    Parameters
    ----------
    pid
        The process.
    proc
        Where the kernel shows processes.
    """
    if not _lists_children(pid, proc):
        return _tree_by_parents(pid, proc)
    tree = [pid]
    for parent in tree:
        try:
            tasks = os.listdir(f"{proc}/{parent}/task")  # noqa: PTH208 (see above)
        except OSError:
            continue  # it ended meanwhile, or there is no /proc
        for task in tasks:
            tree += map(int, _children(f"{proc}/{parent}/task/{task}/children"))
    return tree


def shows_descendants(pid: int, proc: str = "/proc") -> bool:
    """Whether the system tells which processes descend from one: without that no sum is whole.

    It does by files of children, or by the parents of all processes, unless those of others are
    hidden (``hidepid``) and with them what a descendant may have started.
    """
    if _lists_children(pid, proc):
        return True
    return Path(proc, str(pid), "stat").exists() and Path(proc, "1", "stat").exists()


def _lists_children(pid: int, proc: str) -> bool:
    """Whether there is a file of children; a process that has ended has none, and needs none."""
    return os.access(f"{proc}/{pid}/task/{pid}/children", os.F_OK)


def _tree_by_parents(pid: int, proc: str) -> list[int]:
    """A process and its descendants by the parent that each process names (``stat``, field 4)."""
    children: dict[int, list[int]] = {}
    try:
        entries = os.listdir(proc)  # noqa: PTH208 (see process_tree)
    except OSError:
        entries = []
    for entry in entries:
        if entry.isdecimal():
            with suppress(OSError, IndexError, ValueError):  # it has ended meanwhile
                stat = Path(proc, entry, "stat").read_text(errors="replace")
                parent = int(stat.rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    tree = [pid]
    for parent in tree:
        tree += children.get(parent, [])
    return tree


def living(pid: int) -> list[int]:
    """The tree of a process without those that have ended and are not waited for yet."""
    return [member for member in process_tree(pid) if not _has_ended(member)]


def tree_usage(pids: Iterable[int]) -> Usage:
    """CPU time, and bytes read and written so far, summed over processes."""
    pids = list(pids)
    return Usage(
        known_total(map(_cpu_ns, pids)),
        known_total(map(_bytes_read, pids)),
        known_total(map(_bytes_written, pids)),
    )


def reset_peak_memory(pids: Iterable[int]) -> None:
    """Let each process's peak resident memory start again from what it has now.

    Writing 5 to ``/proc/PID/clear_refs`` resets ``VmHWM`` (Linux, ``proc(5)``).
    """
    for pid in pids:
        try:
            (_PROC / str(pid) / "clear_refs").write_text("5")
        except OSError:
            continue


def peak_memory_bytes(pids: Iterable[int]) -> int | None:
    """Sum of the processes' peak resident memory (``VmHWM``) since it was last reset.

    The peaks of several processes need not fall together, so that the sum is an upper bound.
    """
    return known_total(map(_peak_bytes, pids))


def delayed_ns(pids: Iterable[int]) -> int | None:
    """For how long threads of some processes that live still have waited for a processor, summed.

    Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat".
    """
    tasks = (task for pid in pids for task in _PROC.glob(f"{pid}/task/*/schedstat"))
    return known_total(map(_delayed_ns, tasks))


def resident_bytes(pids: Iterable[int]) -> int:
    """Sum of the processes' resident memory now (``VmRSS``); what they share counts in each."""
    return known_total(_kibibytes(pid, "VmRSS:") for pid in pids) or 0


def _children(file: str) -> list[bytes]:
    """Process numbers in a file of children; none if the thread has ended meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return b"".join(iter(lambda: os.read(descriptor, 65536), b"")).split()
        finally:
            os.close(descriptor)
    except OSError:
        return []


def _difference(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else max(later - earlier, 0)


def _has_ended(pid: int) -> bool:
    try:
        state = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return _PROC.exists()
    return state in "ZX"


def known_total(values: Iterable[int | None]) -> int | None:
    """The sum of the numbers that are known; None if none of them is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _cpu_ns(pid: int) -> int | None:
    if sys.platform != "linux":
        return time.process_time_ns() if pid == os.getpid() else None
    try:
        # the clock of another process: clock_getcpuclockid(3); a stat file has but ticks of 10 ms
        own = time.clock_gettime_ns((~pid << 3) | 2)
        # after the command's closing bracket: cutime and cstime are fields 16 and 17 of proc(5)
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return own + (int(fields[13]) + int(fields[14])) * _TICK_NS


def _delayed_ns(task: Path) -> int | None:
    try:
        return int(task.read_text().split()[1])
    except (OSError, IndexError, ValueError):  # it has ended, or such times are not kept
        return None


def _bytes_read(pid: int) -> int | None:
    return labelled(_PROC / str(pid) / "io", "read_bytes:")


def _bytes_written(pid: int) -> int | None:
    return labelled(_PROC / str(pid) / "io", "write_bytes:")


def _peak_bytes(pid: int) -> int | None:
    return _kibibytes(pid, "VmHWM:")


def _kibibytes(pid: int, label: str) -> int | None:
    """A figure of ``/proc/PID/status``, in bytes."""
    kibibytes = labelled(_PROC / str(pid) / "status", label)
    return None if kibibytes is None else kibibytes * 1024
