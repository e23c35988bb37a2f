"""Figures that the kernel tells in files of lines such as ``VmHWM:  1024 kB``."""

from __future__ import annotations

from pathlib import Path


def labelled(path: Path, label: str) -> int | None:
    """The first number behind a label; None without the file, the label or a number.

    Parameters
    ----------
    path
        Such as ``/proc/vmstat`` or ``/proc/PID/status``.
    label
        First word of its line, with the colon if it has one.
    """
    try:
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == label:
                return int(words[1])
    except (OSError, ValueError):
        return None
    return None
