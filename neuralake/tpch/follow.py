"""Follows files while they are written: checksums them and makes them last, off the clock.

The generator is bound by the processor and leaves its files in the page cache. Reading behind it
costs no disk read, at any scale factor; starting their write-back at once leaves little to wait
for at the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from neuralake.errors import DatasetError
from neuralake.tpch.checksum import READ_BYTES, checksum
from neuralake.tpch.manifest import DataFile

_SUFFIX = ".parquet"
_SUFFIX_IN_PROGRESS = ".inprogress"


class Follower:
    """Checksums of all Parquet files that appear under a directory, each one written once.

    A file grows under the name ``X.inprogress``, only ever at its end, and is renamed to ``X``
    when it is complete.

    Parameters
    ----------
    root
        Directory of the dataset, with one directory a table.
    take
        Told of each file once it is complete, whose it then is: it may be moved away.
    """

    def __init__(self, root: Path, take: Callable[[DataFile], None] | None = None) -> None:
        self._root = root
        self._take = take
        self._growing: dict[str, _File] = {}
        self._complete: dict[str, DataFile] = {}

    @property
    def bytes_written(self) -> int:
        """Bytes of all files seen."""
        return sum(f.size_bytes for f in self._complete.values()) + sum(
            f.size_bytes for f in self._growing.values()
        )

    def follow(self, executor: Executor) -> None:
        """Read what has been written since the last call, several files at a time."""
        tasks = self._look()
        if len(tasks) == 1:  # as most of the time: no thread need be woken for it
            tasks[0]()
        else:
            list(executor.map(lambda advance: advance(), tasks))

    def finish(self, executor: Executor) -> dict[str, DataFile]:
        """All files by their path under the root, after the last of them is complete.

        Raises
        ------
        DatasetError
            If one is incomplete, or was changed while it was read.
        """
        self.follow(executor)
        if self._growing:
            raise DatasetError(f"the generator left {min(self._growing)} incomplete")
        for path, file in self._complete.items() if self._take is None else ():
            if (self._root / path).stat().st_size != file.size_bytes:
                raise DatasetError(f"the generator changed {path} after completing it")
        # The second part of a table before the tenth.
        return dict(sorted(self._complete.items(), key=lambda item: (len(item[0]), item[0])))

    def close(self) -> None:
        """Let go of all files."""
        for file in self._growing.values():
            file.close()
        self._growing.clear()

    def _look(self) -> list[Callable[[], None]]:
        """What there is to do, one task a file."""
        tasks: dict[str, Callable[[], None]] = {}
        for path in self._listing():
            name = path.removesuffix(_SUFFIX_IN_PROGRESS)
            if name in self._complete:
                continue
            if name not in self._growing:
                try:
                    self._growing[name] = _File(self._root / path)
                except FileNotFoundError:
                    continue  # it was just renamed, and is found by its own name the next time
            if path == name:
                tasks[name] = partial(self._complete_file, name)
            else:
                # A listing may show both names of a file that is renamed meanwhile.
                tasks.setdefault(name, self._growing[name].advance)
        return list(tasks.values())

    def _listing(self) -> Iterator[str]:
        """Paths of the Parquet files under the root."""
        with os.scandir(self._root) as tables:
            names = [table.name for table in tables if table.is_dir()]
        for name in names:
            with os.scandir(self._root / name) as files:
                for file in files:
                    if _SUFFIX in file.name:
                        yield f"{name}/{file.name}"

    def _complete_file(self, name: str) -> None:
        file = self._growing[name]
        file.advance()
        self._complete[name] = file.finish(name)
        del self._growing[name]
        if self._take is not None:
            self._take(self._complete[name])


class _File:
    """One growing file: what was read of it, and its checksum so far."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._checksum = checksum()
        self.size_bytes = 0

    def advance(self) -> None:
        buffer = memoryview(bytearray(READ_BYTES))
        read_bytes = 0
        while size := os.readv(self._descriptor, [buffer]):
            self._checksum.update(buffer[:size])
            read_bytes += size
        self.size_bytes += read_bytes
        if read_bytes:
            os.fdatasync(self._descriptor)

    def finish(self, name: str) -> DataFile:
        """The file, all of whose bytes the last advance has seen to the disk."""
        self.close()
        return DataFile(path=name, size_bytes=self.size_bytes, sha256=self._checksum.hexdigest())

    def close(self) -> None:
        os.close(self._descriptor)
