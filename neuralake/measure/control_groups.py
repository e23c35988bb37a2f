"""The control groups that this process is in, and what they allow it (Linux, version 1 and 2).

Containers, systemd and Kubernetes set limits there. A group's limit holds for all groups below it,
so that of a chain from the own group to the root the tightest counts. A process sees its groups in
``/proc/self/cgroup`` and where they are mounted in ``/proc/self/mountinfo`` (``cgroups(7)``); in a
container the upper end of the chain may lie outside of what is mounted, and is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

from neuralake.measure.kernel import labelled

Controller = Literal["cpu", "memory"]
Number = TypeVar("Number", int, float)
_ROOT = Path("/")
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Group:
    """A control group.

    Attributes
    ----------
    directory
        Where the kernel shows it.
    version
        Of the interface, 1 or 2.
    """

    directory: Path
    version: int

    def cpu_quota(self) -> float | None:
        """Processors' worth of time that its processes may use together; None if unlimited."""
        if self.version == 2:
            allowed, _, period = _text(self.directory / "cpu.max").partition(" ")
        else:
            allowed = _text(self.directory / "cpu.cfs_quota_us")
            period = _text(self.directory / "cpu.cfs_period_us")
        if not allowed.isdecimal() or not period.isdecimal() or int(period) == 0:
            return None  # "max", "-1", or no such file
        return int(allowed) / int(period)

    def memory_limit_bytes(self) -> int | None:
        """Memory that its processes may have together, or beyond which they are slowed down."""
        names = ("memory.max", "memory.high") if self.version == 2 else ("memory.limit_in_bytes",)
        return _smallest(_number(self.directory / name) for name in names)

    def free_memory_bytes(self) -> int | None:
        """What is left of its limit, file pages that can be given back included; None without."""
        limit_bytes = self.memory_limit_bytes()
        name = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        used_bytes = _number(self.directory / name)
        if limit_bytes is None or used_bytes is None:
            return None
        prefix = "" if self.version == 2 else "total_"  # of the groups below it as well
        pages = [
            labelled(self.directory / "memory.stat", f"{prefix}{kind}_file") or 0
            for kind in ("active", "inactive")
        ]
        return max(limit_bytes - max(used_bytes - sum(pages), 0), 0)

    def throttling(self) -> Throttling | None:
        """How often its quota has stopped its processes since it was made; None without one."""
        if self.cpu_quota() is None:
            return None
        file = self.directory / "cpu.stat"
        periods = labelled(file, "nr_throttled")
        if self.version == 2:
            microseconds = labelled(file, "throttled_usec")
            time_ns = None if microseconds is None else microseconds * 1000
        else:
            time_ns = labelled(file, "throttled_time")
        return None if periods is None or time_ns is None else Throttling(periods, time_ns)

    def binds_below(self) -> bool:
        """Whether its memory limit holds for the groups below it: always, but for old hierarchies.

        ``memory.use_hierarchy`` is 0 in hierarchies of version 1 that some older systems make.
        """
        return self.version == 2 or _text(self.directory / "memory.use_hierarchy") != "0"


@dataclass(frozen=True)
class Throttling:
    """How much a quota of CPU time has stopped processes.

    Attributes
    ----------
    periods
        In how many periods of the quota (of 100 ms, mostly) they were stopped.
    time_ns
        For how long, in nanoseconds, summed over processors.
    """

    periods: int
    time_ns: int

    def since(self, earlier: Throttling) -> Throttling:
        """What came after an earlier reading."""
        return Throttling(self.periods - earlier.periods, self.time_ns - earlier.time_ns)


def groups(controller: Controller, root: Path = _ROOT) -> tuple[Group, ...]:
    """The process's own control group and those that it is nested in, the innermost first.

    Parameters
    ----------
    controller
        What they control; version 2 has one hierarchy for all of it.
    root
        Directory in which ``proc`` is looked up, and mounts.

    Returns
    -------
    tuple of Group
        Empty where there are none, or the kernel does not show them.
    """
    return tuple(
        Group(directory, version)
        for version, path in _memberships(controller, root)
        if (own := _directory(version, controller, path, root)) is not None
        for directory in own
    )


def cpu_quota(root: Path = _ROOT) -> float | None:
    """Processors' worth of time that this process may use; None if no group limits it."""
    return _smallest(group.cpu_quota() for group in groups("cpu", root))


def memory_limit_bytes(root: Path = _ROOT) -> int | None:
    """Memory that this process and its groups may have; None if no group limits it."""
    return _smallest(group.memory_limit_bytes() for group in _binding(root))


def free_memory_bytes(root: Path = _ROOT) -> int | None:
    """What is left of the tightest limit on memory; None if no group has one."""
    return _smallest(group.free_memory_bytes() for group in _binding(root))


def throttling() -> Throttling | None:
    """How much quotas have stopped this process until now; None if no group has one."""
    found = [reading for group in _cpu_groups() if (reading := group.throttling()) is not None]
    if not found:
        return None
    return Throttling(sum(r.periods for r in found), sum(r.time_ns for r in found))


def throttled_since(earlier: Throttling | None) -> Throttling | None:
    """How much quotas have stopped this process since an earlier reading."""
    now = throttling()
    return None if now is None or earlier is None else now.since(earlier)


@cache
def _cpu_groups() -> tuple[Group, ...]:
    """The groups of this process, looked up once: they are asked around each measured call."""
    return groups("cpu")


def _binding(root: Path) -> Iterator[Group]:
    """The groups whose limit on memory holds for this process."""
    found = groups("memory", root)
    return (group for i, group in enumerate(found) if i == 0 or group.binds_below())


def _memberships(controller: Controller, root: Path) -> Iterator[tuple[int, str]]:
    """Version and path of the groups that this process is in, by ``/proc/self/cgroup``."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield 2, path
        elif controller in controllers.split(","):
            yield 1, path


def _directory(
    version: int, controller: Controller, path: str, root: Path
) -> tuple[Path, ...] | None:
    """Where a group is mounted, and all above it up to the mount; None if it is mounted nowhere.

    A mount may show a part of the hierarchy only, from its own root on. In a container that was
    entered from outside, a path may lie above everything that is mounted (``/../..``): what is
    mounted is then taken for the group, as it is the container's.
    """
    mounts = [
        (mounted, point)
        for kind, options, mounted, point in _mounts(root)
        if kind == ("cgroup2" if version == 2 else "cgroup")
        and (version == 2 or controller in options.split(","))
    ]
    mounts.sort(key=lambda mount: len(mount[0].parts))  # the one that shows most
    for mounted, point in mounts:
        if PurePosixPath(path).is_relative_to(mounted) and ".." not in PurePosixPath(path).parts:
            below = PurePosixPath(path).relative_to(mounted)
            top = root / point.relative_to("/")
            return tuple(top / part for part in (below, *below.parents))
    if mounts and (".." in PurePosixPath(path).parts or len(mounts) == 1):
        return (root / mounts[0][1].relative_to("/"),)
    return None


def _mounts(root: Path) -> Iterator[tuple[str, str, PurePosixPath, PurePosixPath]]:
    """Kind, options of the kind, root within the hierarchy and place of each mount (proc(5))."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        about, _, of_kind = line.partition(" - ")
        fields, kinds = about.split(" "), of_kind.split(" ")
        if len(fields) > 4 and len(kinds) > 2:
            mounted, point = (PurePosixPath(_unescaped(field)) for field in fields[3:5])
            yield kinds[0], kinds[2], mounted, point


def _unescaped(field: str) -> str:
    """Blanks and backslashes are written as octal numbers there."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), field)


def _smallest(values: Iterator[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    """A number in a file; None for "max", and without the file."""
    text = _text(path)
    return int(text) if text.isdecimal() else None
