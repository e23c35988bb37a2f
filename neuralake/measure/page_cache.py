"""The page cache: what of some files is in it, and how to put it out.

Evicting needs no privilege: ``posix_fadvise(POSIX_FADV_DONTNEED)`` drops the pages of a file that
are on the disk and not in use by anybody. What stayed is counted with ``mincore(2)``, which tells
the truth of a file only to who may write to it (Linux 5.2).
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

_MAP_SHARED = 1
_MAP_FAILED = ctypes.c_void_p(-1).value
_WINDOW_BYTES = 2**30  # of a file looked at in one piece


def evict(paths: Iterable[Path]) -> int | None:
    """Put files out of the page cache.

    Parameters
    ----------
    paths
        Files, and directories with all files under them.

    Returns
    -------
    int or None
        Bytes of them that are in the page cache all the same; None if the system does not say, and
        where a file may not be read: an engine that reads it all the same is none of ours.
    """
    files = _files(paths)
    for file in files:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:  # not ours to read, or removed meanwhile
            continue
        try:
            os.fsync(descriptor)  # pages that are not on the disk yet would stay
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
    return cached_bytes(files)


def cached_bytes(paths: Iterable[Path]) -> int | None:
    """Bytes of files that are in the page cache; None if the system does not say of one."""
    total = 0
    for file in _files(paths):
        if not hasattr(os, "posix_fadvise") or not os.access(file, os.R_OK | os.W_OK):
            if file.exists():
                return None
            continue
        try:
            total += _cached_bytes(file)
        except FileNotFoundError:  # removed meanwhile
            continue
    return total


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else (path,)
        found += [file for file in inside if file.is_file()]
    return found


def _cached_bytes(file: Path) -> int:
    size_bytes = file.stat().st_size
    descriptor = os.open(file, os.O_RDONLY)
    try:
        windows = range(0, size_bytes, _WINDOW_BYTES)
        pages = sum(
            _resident_pages(descriptor, start, min(_WINDOW_BYTES, size_bytes - start))
            for start in windows
        )
    finally:
        os.close(descriptor)
    return min(pages * mmap.PAGESIZE, size_bytes)


def _resident_pages(descriptor: int, start: int, length: int) -> int:
    """Pages of a part of a file that are resident, by mincore(2); a map alone loads none."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int),
        *(ctypes.c_int, ctypes.c_int, ctypes.c_long),
    ]
    address = libc.mmap(None, length, mmap.PROT_READ, _MAP_SHARED, descriptor, start)
    if address == _MAP_FAILED:
        raise OSError(ctypes.get_errno(), "mmap")
    try:
        pages = -(-length // mmap.PAGESIZE)
        resident = (ctypes.c_ubyte * pages)()
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(length), resident) != 0:
            raise OSError(ctypes.get_errno(), "mincore")
        return bytes(page & 1 for page in resident).count(1)
    finally:
        libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(length))
