"""A limit on memory: kept by the kernel where it lets us, watched elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuralake.measure.memory import (
    ControlGroup,
    Limiter,
    make_control_group,
    memory_limiter,
    system_memory_kills,
)
from neuralake.measure.worker import RemoteError, Worker, WorkerDiedError, WorkerMemoryError
from tests.conftest import is_gone

MIB = 2**20
LIMIT_BYTES = 200 * MIB
NO_GROUPS = "control groups of one's own need root, or a delegated cgroup: sudo make test"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


def limited(log: Path, limiter: Limiter) -> Worker:
    if limiter == "cgroup" and memory_limiter(LIMIT_BYTES) != "cgroup":
        pytest.skip(NO_GROUPS)
    target = "tests.measure.targets:Target"
    return Worker(target, log, memory_limit_bytes=LIMIT_BYTES, limiter=limiter)


@pytest.mark.parametrize("limiter", ["cgroup", "watched"])
def test_a_process_within_its_limit_is_left_alone(log: Path, limiter: Limiter) -> None:
    worker = limited(log, limiter)
    try:
        assert worker.call("hold", 50 * MIB) == 50 * MIB
        assert worker.call("nap", 0.1) == "rested"
    finally:
        worker.close()


def test_the_kernel_kills_what_is_beyond_its_limit(log: Path) -> None:
    worker = limited(log, "cgroup")
    with pytest.raises(WorkerDiedError, match="ended by SIGKILL") as caught:
        worker.call("allocate")
    worker.kill()
    assert caught.value.out_of_memory
    assert is_gone(worker.pid)


def test_what_is_beyond_its_limit_is_seen_where_it_is_watched(log: Path) -> None:
    worker = limited(log, "watched")
    with pytest.raises(WorkerMemoryError, match=r"had \d+ MiB resident, the limit is 200 MiB"):
        worker.call("allocate")
    worker.kill()
    assert is_gone(worker.pid)


def test_a_child_counts_too_where_it_is_watched(log: Path) -> None:
    worker = limited(log, "watched")
    with pytest.raises(WorkerMemoryError):
        worker.call("allocate_in_child")
    worker.kill()


def test_a_child_that_the_kernel_killed_is_told_with_the_error(log: Path) -> None:
    worker = limited(log, "cgroup")
    with pytest.raises((RemoteError, WorkerDiedError)) as caught:
        worker.call("allocate_in_child")
    worker.kill()
    assert getattr(caught.value, "out_of_memory", False)


def test_a_death_within_the_limit_is_no_want_of_memory(log: Path) -> None:
    worker = limited(log, "cgroup")
    with pytest.raises(WorkerDiedError) as caught:
        worker.call("kill")
    worker.kill()
    assert not caught.value.out_of_memory


def groups_of(group: ControlGroup) -> set[Path]:
    return set(group.directory.parent.glob(f"neuralake-{os.getpid()}-*"))


@pytest.mark.parametrize("end", ["close", "kill"])
def test_no_control_group_is_left(log: Path, end: str) -> None:
    group = make_control_group(LIMIT_BYTES)
    if group is None:
        pytest.skip(NO_GROUPS)
    assert group.memory_kills() == 0
    before = groups_of(group)
    worker = limited(log, "cgroup")
    worker.call("echo", 1)
    assert len(groups_of(group)) == len(before) + 1
    getattr(worker, end)()
    assert groups_of(group) == before
    group.remove()
    assert not group.directory.exists()


def test_the_kernels_count_is_a_count() -> None:
    kills = system_memory_kills()
    assert kills is None or kills >= 0
