"""The disk's own limit: the bytes of a commit, written and synced by bare system calls.

For each batch just what a durable commit to a Delta table cannot do without, in its order: a data
file is written under a name of its own and synced, and so is its directory; a log entry is written
without a name, synced, given its name by link(2), which fails if it is taken, and its directory is
synced. No row is encoded, nothing is read, and no version is looked for. The bytes are those that
Neuralake's writer has written for the same batches.
"""

from __future__ import annotations

import os
import platform
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.config import is_remote
from neuralake.results.ingest.records import DISK
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Appender, Receipt
from neuralake.workloads.ingest.model import Commit, commits_like_ours
from neuralake.workloads.places import Target

_MODE = 0o666


class Disk:
    """The system calls alone."""

    name = DISK
    makes_tables = False

    def __init__(self, target: Target) -> None:
        self._root = Path(target.uri)
        (self._root / "_delta_log").mkdir(parents=True, exist_ok=True)
        self._commits: tuple[Commit, ...] = ()
        self.settings: Mapping[str, Any] = {"syncs": "data file, directory, entry, directory"}

    @classmethod
    def unavailable(cls, target: Target) -> str | None:
        """Why there is no such limit."""
        return "object storage has no disk to sync" if is_remote(target.uri) else None

    def versions(self) -> dict[str, str]:
        """Of the kernel."""
        return {"linux": platform.release()}

    def appender(self, batches: Batches) -> Appender:
        """One a thread; an entry is named by the batch's number, which no other has."""
        if not self._commits:
            with tempfile.TemporaryDirectory(dir=self._root.parent) as scratch:
                self._commits = commits_like_ours(batches, Path(scratch))
        return _SystemCalls(self._root, self._commits)

    def close(self) -> None:
        """Nothing to stop."""


class _SystemCalls:
    def __init__(self, root: Path, commits: tuple[Commit, ...]) -> None:
        self._root, self._commits = str(root), commits
        self._log = f"{root}/_delta_log"
        self._number = secrets.token_hex(4)

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:  # noqa: ARG002
        commit = self._commits[number % len(self._commits)]
        data = f"{self._root}/part-{self._number}-{number:010d}.parquet"
        file = os.open(data, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            _write(file, commit.data)
        finally:
            os.close(file)
        with _directory(self._root) as directory:
            os.fsync(directory)
        with _directory(self._log) as directory:
            file = os.open(self._log, os.O_WRONLY | os.O_TMPFILE, _MODE)
            try:
                _write(file, commit.entry)
                os.link(
                    f"/proc/self/fd/{file}",
                    f"{number:020d}.json",
                    dst_dir_fd=directory,
                    follow_symlinks=True,
                )
            finally:
                os.close(file)
            os.fsync(directory)
        return Receipt(size_bytes=len(commit.data))

    def close(self) -> None:
        """Nothing is held."""


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


@contextmanager
def _directory(path: str) -> Iterator[int]:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield directory
    finally:
        os.close(directory)
