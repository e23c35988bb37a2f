"""A limit on the memory of a process tree: kept by the kernel, or watched from outside.

The kernel keeps a limit through a control group (cgroups, version 2 or 1), where this process may
make one; page cache counts there too, but is given back before anything is killed. Elsewhere the
resident memory of the tree is read every few milliseconds, so that a tree can be beyond its limit
for a moment.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neuralake.measure.control_groups import groups
from neuralake.measure.kernel import labelled

Limiter = Literal["cgroup", "watched"]
_PREFIX = "neuralake-"


@dataclass(frozen=True)
class ControlGroup:
    """A control group of our own, with a memory limit.

    Attributes
    ----------
    directory
        Where the kernel shows it.
    version
        Of the control group interface, 1 or 2.
    """

    directory: Path
    version: int

    def memory_kills(self) -> int:
        """How many of its processes the kernel has killed for want of memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return labelled(self.directory / name, "oom_kill") or 0

    def remove(self) -> None:
        """Remove it if it is empty, and there."""
        with suppress(OSError):
            self.directory.rmdir()


def make_control_group(limit_bytes: int) -> ControlGroup | None:
    """A new control group with a memory limit; None where the system does not let us."""
    for parent, version in _parents():
        group = ControlGroup(parent / f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}", version)
        try:
            group.directory.mkdir()
        except OSError:
            continue
        try:
            _limit(group, limit_bytes)
        except OSError:
            group.remove()
            continue
        return group
    return None


def memory_limiter(limit_bytes: int) -> Limiter:
    """How a limit would be kept here."""
    group = make_control_group(limit_bytes)
    if group is None:
        return "watched"
    group.remove()
    return "cgroup"


def system_memory_kills() -> int | None:
    """How many processes of the machine the kernel has killed for want of memory, ever."""
    return labelled(Path("/proc/vmstat"), "oom_kill")


def _limit(group: ControlGroup, limit_bytes: int) -> None:
    if group.version == 2:
        (group.directory / "memory.max").write_text(str(limit_bytes))
        optional = {"memory.swap.max": "0", "memory.oom.group": "1"}
    else:
        (group.directory / "memory.limit_in_bytes").write_text(str(limit_bytes))
        optional = {"memory.memsw.limit_in_bytes": str(limit_bytes)}
    for name, value in optional.items():
        with suppress(OSError):  # the kernel may be built without swap accounting
            (group.directory / name).write_text(value)


def _parents(root: Path = Path("/")) -> list[tuple[Path, int]]:
    """Control groups below which ours may stand, the nearest first, with their version.

    In version 2 a group that has processes can have none below it that limits memory. Ours then
    stands beside it, below one of those that it is in, unless a limit of its own would be escaped.
    """
    found: list[tuple[Path, int]] = []
    chain = groups("memory", root)
    found += [(group.directory, 1) for group in chain if group.version == 1][:1]
    for group in (group for group in chain if group.version == 2):
        if _hands_memory_down(group.directory):
            found.append((group.directory, 2))
        if group.cpu_quota() is not None or group.memory_limit_bytes() is not None:
            break
    return found


def _hands_memory_down(group: Path) -> bool:
    try:
        return "memory" in (group / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
