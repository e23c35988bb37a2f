"""What is in the page cache, and what is not any more."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from neuralake.measure.page_cache import cached_bytes, evict

MIB = 2**20


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with two files, one of them further down, just written."""
    directory = tmp_path / "table"
    (directory / "_delta_log").mkdir(parents=True)
    (directory / "part.parquet").write_bytes(os.urandom(4 * MIB))
    (directory / "_delta_log" / "0.json").write_bytes(os.urandom(100))
    (directory / "empty").touch()
    return directory


def is_nearly(found: int | None, size_bytes: int) -> bool:
    """A kernel may reclaim a page at any time, and never has more than all of them."""
    return found is not None and 0.9 * size_bytes < found <= size_bytes


def test_what_was_just_written_or_read_is_cached(files: Path) -> None:
    assert is_nearly(cached_bytes([files]), 4 * MIB + 100)


def test_evicted_files_are_read_from_the_disk_again(files: Path) -> None:
    assert evict([files]) == 0
    assert cached_bytes([files]) == 0
    part = files / "part.parquet"
    with part.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # no read-ahead
        os.pread(stream.fileno(), 1, 0)
    assert 0 < (cached_bytes([part]) or 0) < 4 * MIB
    part.read_bytes()
    assert is_nearly(cached_bytes([part]), 4 * MIB)


def test_what_somebody_uses_stays_and_is_told(files: Path) -> None:
    part = files / "part.parquet"
    with part.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
        assert len(mapped[:]) == 4 * MIB  # every page is touched
        assert is_nearly(evict([files]), 4 * MIB)
    assert evict([files]) == 0


OTHER_USER = """
import os, sys, pathlib
from neuralake.measure.page_cache import cached_bytes
if os.geteuid() == 0:
    os.setuid(65534)
print(cached_bytes([pathlib.Path(sys.argv[1])]))
"""


def test_of_the_files_of_another_nothing_is_known() -> None:
    command = [sys.executable, "-c", OTHER_USER, "/etc/passwd"]
    assert subprocess.check_output(command, text=True) == "None\n"


def test_nothing_is_in_no_files(tmp_path: Path) -> None:
    assert evict([]) == 0
    assert evict([tmp_path]) == 0


NO_READER = """
import os, sys, pathlib
from neuralake.measure.page_cache import evict
os.setuid(65534)
print(evict([pathlib.Path(sys.argv[1])]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root may read everything, and become who may not")
def test_a_file_that_may_not_be_read_is_passed_over_and_its_part_is_not_known() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's are root's alone
        directory = Path(name)
        directory.chmod(0o755)
        part, private = directory / "part.parquet", directory / "private.tmp"
        for path, mode in ((part, 0o666), (private, 0o000)):
            path.write_bytes(os.urandom(MIB))
            path.chmod(mode)
        assert (cached_bytes([part]) or 0) > 0
        done = subprocess.run(
            [sys.executable, "-c", NO_READER, directory],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("None\n", "")
        assert cached_bytes([part]) == 0, "what may be read was put out all the same"


def test_a_file_that_is_removed_meanwhile_is_no_matter(files: Path) -> None:
    assert evict([files, files / "gone.parquet"]) == 0
