"""Instructions as the processor counts them, where kernel and machine let one (Linux).

A performance counter of the kernel (``perf_event_open(2)``) counts in all threads of a process and
in whatever they start afterwards, threads and processes alike, and costs what two reads of a file
cost. Virtual machines seldom have one: why there is none is told in a line, and nothing else
changes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neuralake.measure.counter import Counts

# Numbers of the system call (Linux, arch/*/entry/syscalls and include/uapi/asm-generic/unistd.h)
_SYSTEM_CALLS = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "ppc64le": 319, "s390x": 331}
# struct perf_event_attr, as it was first published (PERF_ATTR_SIZE_VER0): type, size, config,
# sample_period, sample_type, read_format, flags, wakeup_events, bp_type, bp_addr
_ATTRIBUTES = struct.Struct("=IIQQQQQIIQ")
_INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6
_TIMES = 1 | 2  # PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING
_READING = struct.Struct("=QQQ")
_CLOSE_ON_EXEC = 1 << 3
_PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
_USER_SPACE_LEVEL = 2
# A thread counts a moment after it begins; a counter that is shared in turns misses milliseconds
_MISSED_SHARE, _MISSED_NS = 0.001, 10_000

# Count, time for which it was wanted and time for which it was taken, in ns, over all threads
Reading = tuple[int, int, int]


@dataclass(frozen=True)
class Event:
    """What the kernel counts (``linux/perf_event.h``).

    Attributes
    ----------
    kind
        ``PERF_TYPE_HARDWARE`` is 0, ``PERF_TYPE_SOFTWARE`` 1.
    number
        Within its kind.
    """

    kind: int
    number: int


INSTRUCTIONS = Event(0, 1)
TASK_CLOCK_NS = Event(1, 1)
PAGE_FAULTS = Event(1, 2)


class CounterRefusedError(Exception):
    """There is no such counter here; the message says why, in a line."""


class HardwareCounter:
    """Counts in the threads that this process has, and in all that they start from now on.

    It is opened before an engine starts its threads; what those that exist already start meanwhile
    counts too.

    Parameters
    ----------
    event
        What is counted.

    Raises
    ------
    CounterRefusedError
        If the kernel or the machine has no such counter, or lets nobody use it.
    """

    def __init__(self, event: Event = INSTRUCTIONS) -> None:
        self._descriptors: list[int] = []
        try:
            for thread in _threads():
                try:
                    self._descriptors.append(_open(event, thread))
                except OSError as error:
                    if error.errno != errno.ESRCH:  # a thread that has ended counts nothing more
                        raise
        except OSError as error:
            self.close()
            raise CounterRefusedError(refusal(error)) from error
        self._start = self._read()

    def start(self) -> None:
        """Count from here on."""
        self._start = self._read()

    def stop(self) -> Counts:
        """What was counted since the start; not known where the counter was shared in turns."""
        return Counts(_whole_count(self._start, self._read()))

    def close(self) -> None:
        """Give the counters back."""
        for descriptor in self._descriptors:
            with suppress(OSError):
                os.close(descriptor)
        self._descriptors.clear()

    def _read(self) -> Reading:
        count = enabled_ns = running_ns = 0
        for descriptor in self._descriptors:
            reading = _READING.unpack(os.read(descriptor, _READING.size))
            count, enabled_ns = count + reading[0], enabled_ns + reading[1]
            running_ns += reading[2]
        return count, enabled_ns, running_ns


def hardware_counter(event: Event = INSTRUCTIONS) -> HardwareCounter | None:
    """A counter, or None where there is none; :func:`why_not_counted` says why."""
    try:
        return HardwareCounter(event)
    except CounterRefusedError:
        return None


def why_not_counted(event: Event = INSTRUCTIONS) -> str | None:
    """Why there is no counter here, in a line; None if there is one."""
    try:
        HardwareCounter(event).close()
    except CounterRefusedError as error:
        return str(error)
    return None


def refusal(error: OSError, paranoid: Path = _PARANOID) -> str:
    """Why a counter was refused, in a line (``perf_event_open(2)``, ERRORS).

    Parameters
    ----------
    error
        Of the system call.
    paranoid
        The kernel's file of who may count what.
    """
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
        return "this machine has no such counter, as most virtual machines"
    if error.errno == errno.ENOSYS:
        return f"{platform.system()} on {platform.machine()} is not known to have counters"
    if error.errno in (errno.EACCES, errno.EPERM):
        try:
            level = int(paranoid.read_text())
        except (OSError, ValueError):
            level = _USER_SPACE_LEVEL
        if level > _USER_SPACE_LEVEL:
            return (
                f"the kernel refuses: kernel.perf_event_paranoid is {level}, expected "
                f"{_USER_SPACE_LEVEL} or less"
            )
        return "the kernel refuses perf_event_open, as in most containers"
    return f"the kernel refuses: {error.strerror}"


def _whole_count(before: Reading, after: Reading) -> int | None:
    """What was counted between two readings, if it was counted all the time."""
    count, enabled_ns, running_ns = (now - then for now, then in zip(after, before, strict=True))
    missed_ns = enabled_ns - running_ns
    return count if missed_ns <= _MISSED_NS + _MISSED_SHARE * enabled_ns else None


def _threads() -> Iterable[int]:
    try:
        return sorted(int(thread.name) for thread in Path("/proc/self/task").iterdir())
    except OSError:
        return (0,)  # the calling one


def _open(event: Event, thread: int) -> int:
    """Open a counter of a thread and its offspring, in user space, on whichever processor."""
    number = _SYSTEM_CALLS.get(platform.machine())
    if sys.platform != "linux" or number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    flags = _INHERIT | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR
    attributes = _ATTRIBUTES.pack(
        *(event.kind, _ATTRIBUTES.size, event.number), 0, 0, _TIMES, flags, 0, 0, 0
    )
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    arguments = (number, attributes, thread, -1, -1, _CLOSE_ON_EXEC)
    descriptor = library.syscall(
        *(a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments)
    )
    if descriptor < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return int(descriptor)
