"""The demo of a whole platform: every part runs and is checked, and nothing is left running."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import cli_environment

ROOT = Path(__file__).parents[1]
PARTS = ("tables", "writer", "elt", "join", "api", "site", "verify")
NEEDS_SPARK = ("elt", "verify")
ADDRESS = re.compile(r"http://(?P<host>[\d.]+):(?P<port>\d+)/docs")


def demo(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where there is nothing of this repository, in a group of processes of its own."""
    if not (directory / "examples").exists():
        shutil.copytree(ROOT / "examples", directory / "examples")
    with subprocess.Popen(
        [sys.executable, "examples/neuralake/demo.py", *arguments],
        cwd=directory,
        env=cli_environment(directory / "unused", directory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        printed, said = process.communicate(timeout=600)
    with pytest.raises(ProcessLookupError):  # nothing of it runs
        os.killpg(process.pid, 0)
    return subprocess.CompletedProcess(arguments, process.returncode, printed, said)


def answers(address: re.Match[str]) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((address["host"], int(address["port"])), 60).close()
    except ConnectionRefusedError:
        return False
    return True


def marks(printed: str) -> list[tuple[str, str]]:
    """Each part that was told of, and how it went."""
    return re.findall(r"^([✓✗]) (\w+) ", printed, re.MULTILINE)


@pytest.mark.more
def test_the_parts_that_need_no_spark(tmp_path: Path) -> None:
    parts = [part for part in PARTS if part not in NEEDS_SPARK]
    done = demo(tmp_path, "--to", "place", "--parts", ",".join(parts))
    assert done.returncode == 0, done.stdout + done.stderr
    assert marks(done.stdout) == [("✓", part) for part in parts]
    page = (tmp_path / "place/site/index.html").read_text()
    assert all(name in page for name in ("recordings", "implants", "models"))
    assert f"all of it works; look at {tmp_path / 'place'}" in done.stdout
    again = demo(tmp_path, "--to", "place")
    assert (again.returncode, again.stdout) == (2, "")
    assert f"there is {tmp_path / 'place/lake'} already" in again.stderr


def test_nothing_is_left_of_one_that_is_killed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with subprocess.Popen(
        [sys.executable, "examples/neuralake/demo.py", "--parts", "tables", "--stay"],
        cwd=tmp_path,
        env=cli_environment(tmp_path / "unused", tmp_path),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as driver:
        assert driver.stdout is not None
        address = next(found for line in driver.stdout if (found := ADDRESS.match(line)))
        assert answers(address)
        driver.kill()
        driver.wait()
        until_s = time.monotonic() + 60
        while answers(address) and time.monotonic() < until_s:  # the kernel ends the server
            time.sleep(0.05)
        if is_left := answers(address):
            os.killpg(driver.pid, signal.SIGKILL)
        assert not is_left


@pytest.mark.more
def test_the_whole_of_it(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert marks(done.stdout) == [("✓", part) for part in PARTS]


@pytest.mark.more  # by day a part that there is not
def test_a_part_that_is_not_right_is_told_with_its_reason(tmp_path: Path) -> None:
    done = demo(tmp_path, "--parts", "join")
    assert done.returncode == 1
    assert marks(done.stdout) == [("✗", "join")]
    assert f"CatalogError: table implants: no Parquet file at {tmp_path}" in done.stdout
    assert "\njoin failed; look at " in done.stdout


def test_a_part_that_there_is_not_is_told(tmp_path: Path) -> None:
    done = demo(tmp_path, "--parts", "tables,quantum")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no part 'quantum': there are tables, writer, elt" in done.stderr
    assert not (tmp_path / "data").exists()
