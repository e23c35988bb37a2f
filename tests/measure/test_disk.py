"""Where a directory is mounted, and what a sync costs there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuralake.measure.disk import Mount, mount_of, sync_cost_ns


def line(device: str, point: Path | str, kind: str = "ext4", options: str = "rw,relatime") -> str:
    """As proc(5) has it."""
    return f"36 35 {device} / {point} {options} master:1 - {kind} /dev/sda1 rw,errors=continue"


@pytest.fixture
def device(tmp_path: Path) -> str:
    number = os.stat(tmp_path).st_dev  # noqa: PTH116
    return f"{os.major(number)}:{os.minor(number)}"


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_deepest_mount_above_a_directory_is_its_own(tmp_path: Path, device: str) -> None:
    inner = tmp_path / "a b"
    inner.mkdir()
    mounts = written(
        tmp_path,
        line(device, "/", "xfs"),
        line(device, str(inner).replace(" ", r"\040"), "ext4", "rw,noatime"),
        line("0:99", inner / "else", "tmpfs"),
    )
    assert mount_of(inner, mounts).filesystem == "ext4"
    assert mount_of(inner, mounts).options == "rw,noatime,errors=continue"
    assert mount_of(tmp_path, mounts).filesystem == "xfs"


def test_a_mount_of_another_device_is_not_its_own(tmp_path: Path) -> None:
    assert mount_of(tmp_path, written(tmp_path, line("250:250", tmp_path))) == Mount()


@pytest.mark.parametrize("content", ["", "rubbish\n", "1 2 3 - ext4\n"])
def test_what_the_kernel_does_not_tell_is_not_known(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mountinfo"
    path.write_text(content)
    assert mount_of(tmp_path, path) == Mount()
    assert mount_of(tmp_path, tmp_path / "absent") == Mount()


def test_this_machine_tells_of_its_own_disk(tmp_path: Path) -> None:
    found = mount_of(tmp_path)
    assert found.filesystem
    assert found.device
    assert sync_cost_ns(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []  # the probe is gone
