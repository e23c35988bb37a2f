"""Control groups for tests: trees as kernels show them, and real ones where we may make them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from neuralake.measure.control_groups import Controller, groups

NO_GROUPS = "control groups of one's own need root, or a delegated cgroup: sudo make test"
PERIOD_US = 100_000


def write_tree(root: Path, cgroup: str, mounts: str, files: Mapping[str, str]) -> None:
    """What a process sees: its memberships, the mounts, and files below ``root``."""
    for name, text in {
        "proc/self/cgroup": cgroup,
        "proc/self/mountinfo": mounts,
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@contextmanager
def limited_groups(cpus: float, memory_bytes: int) -> Iterator[list[Path] | None]:
    """Real groups within a quota and a memory limit: directories to enter, or None.

    The quota is that of a group around the one that is entered, as a pod's is around a container's.
    The group comes before what else the machine does, so that it is the quota that stops it.
    """
    made: list[Path] = []
    try:
        entered = [_make_cpu_group(cpus, made), _make_memory_group(memory_bytes, made)]
    except (OSError, LookupError):
        yield None
    else:
        yield list(dict.fromkeys(entered))
    finally:
        for directory in reversed(made):
            directory.rmdir()


def _make_cpu_group(cpus: float, made: list[Path]) -> Path:
    parent, version = _own("cpu")
    outer = _make(parent, made)
    if version == 2:
        (outer / "cpu.max").write_text(f"{int(cpus * PERIOD_US)} {PERIOD_US}")
        (outer / "cpu.weight").write_text("10000")
        return outer
    (outer / "cpu.shares").write_text("262144")
    (outer / "cpu.cfs_period_us").write_text(str(PERIOD_US))
    (outer / "cpu.cfs_quota_us").write_text(str(int(cpus * PERIOD_US)))
    return _make(outer, made)


def _make_memory_group(limit_bytes: int, made: list[Path]) -> Path:
    parent, version = _own("memory")
    if version == 2:
        (made[-1] / "memory.max").write_text(str(limit_bytes))
        return made[-1]
    group = _make(parent, made)
    (group / "memory.limit_in_bytes").write_text(str(limit_bytes))
    return group


def _own(controller: Controller) -> tuple[Path, int]:
    found = groups(controller)
    if not found:
        raise LookupError(controller)
    return found[0].directory, found[0].version


def _make(parent: Path, made: list[Path]) -> Path:
    directory = parent / f"neuralake-test-{os.getpid()}-{secrets.token_hex(4)}"
    directory.mkdir()
    made.append(directory)
    return directory
