"""The disk below a directory: its file system, its device, and what a sync costs there."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_MOUNTS = Path("/proc/self/mountinfo")
_BLOCK_DEVICES = Path("/sys/dev/block")
_PROBE_BYTES = 4096
_PROBES = 64


@dataclass(frozen=True)
class Mount:
    """Where a directory is mounted; what the kernel does not tell is None.

    Attributes
    ----------
    filesystem
        Such as ``ext4``.
    device
        Source of the mount.
    options
        Of the mount and of the file system.
    is_rotational
        Whether the device's platters turn, as the kernel believes.
    """

    filesystem: str | None = None
    device: str | None = None
    options: str | None = None
    is_rotational: bool | None = None


def mount_of(directory: Path, mounts: Path = _MOUNTS) -> Mount:
    """The mount below a directory (proc(5), ``/proc/PID/mountinfo``).

    Parameters
    ----------
    directory
        That exists.
    mounts
        The kernel's table of mounts.
    """
    device = os.stat(directory).st_dev  # noqa: PTH116 (as below)
    number = f"{os.major(device)}:{os.minor(device)}"
    found = Mount()
    place = directory.resolve()
    deepest = -1
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        fields, _, rest = line.partition(" - ")
        words, kinds = fields.split(), rest.split()
        if len(words) < 6 or len(kinds) < 3:
            continue
        point = Path(words[4].replace("\\040", " "))
        # the same device may be mounted in several places, and a place by several devices
        if words[2] != number and kinds[0] not in ("btrfs", "overlay"):
            continue
        if (point == place or point in place.parents) and len(point.parts) > deepest:
            deepest = len(point.parts)
            options = ",".join(dict.fromkeys([*words[5].split(","), *kinds[2].split(",")]))
            found = Mount(kinds[0], kinds[1], options, _is_rotational(words[2]))
    return found


def sync_cost_ns(directory: Path) -> int:
    """Median time of writing 4 KiB to a file and syncing it, in nanoseconds.

    Parameters
    ----------
    directory
        Where the file is made; it is gone afterwards.
    """
    took_ns = []
    content = os.urandom(_PROBE_BYTES)
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(_PROBES):
            start = time.perf_counter_ns()
            file.write(content)
            os.fsync(file.fileno())
            took_ns.append(time.perf_counter_ns() - start)
    return round(median(took_ns))


def _is_rotational(number: str) -> bool | None:
    """Whether a block device, or the disk that it is a part of, turns."""
    device = _BLOCK_DEVICES / number
    for place in (device, device / ".."):
        try:
            return (place / "queue" / "rotational").read_text().strip() == "1"
        except OSError:
            continue
    return None
