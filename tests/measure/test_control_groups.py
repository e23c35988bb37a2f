"""Limits of the control groups that a process is in: of version 1 and 2, nested, in containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake import machine
from neuralake.measure.control_groups import (
    Group,
    Throttling,
    cpu_quota,
    free_memory_bytes,
    groups,
    memory_limit_bytes,
)
from neuralake.measure.memory import _parents
from tests.conftest import FAST_ENGINES
from tests.measure.groups import NO_GROUPS, limited_groups, write_tree
from tests.more import few

GIB = 2**30
V2 = "30 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def test_without_control_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert (cpu_quota(tmp_path), memory_limit_bytes(tmp_path)) == (None, None)
    assert groups("cpu", tmp_path) == ()
    assert machine.cores(tmp_path) == machine.processors()


def test_a_container_of_version_2_is_the_root_of_what_it_sees(tmp_path: Path) -> None:
    files = {"cpu.max": "200000 100000\n", "memory.max": f"{2 * GIB}\n"}
    write_tree(tmp_path, "0::/\n", V2, files)
    assert cpu_quota(tmp_path) == 2.0
    assert memory_limit_bytes(tmp_path) == 2 * GIB
    assert machine.memory_bytes(tmp_path) == 2 * GIB


def test_the_tightest_group_of_all_above_counts(tmp_path: Path) -> None:
    files = {
        "kubepods/cpu.max": "max 100000\n",
        "kubepods/memory.max": "max\n",
        "kubepods/pod/cpu.max": "50000 100000\n",
        "kubepods/pod/memory.max": f"{4 * GIB}\n",
        "kubepods/pod/app/cpu.max": "300000 100000\n",
        "kubepods/pod/app/memory.max": f"{8 * GIB}\n",
        "kubepods/pod/app/memory.high": f"{3 * GIB}\n",
        "other/cpu.max": "1000 100000\n",
        "other/memory.max": "4096\n",
    }
    write_tree(tmp_path, "0::/kubepods/pod/app\n", V2, files)
    assert cpu_quota(tmp_path) == 0.5
    assert memory_limit_bytes(tmp_path) == 3 * GIB
    assert [group.directory.name for group in groups("cpu", tmp_path)][:2] == ["app", "pod"]


def test_of_version_1_each_controller_has_a_group_of_its_own(tmp_path: Path) -> None:
    cgroup = "4:memory:/a/b\n3:cpu,cpuacct:/c\n2:cpuset:/\n0::/\n"
    files = {
        "cpu,cpuacct/c/cpu.cfs_quota_us": "150000\n",
        "cpu,cpuacct/c/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "memory/a/memory.limit_in_bytes": f"{GIB}\n",
        "memory/a/memory.use_hierarchy": "1\n",
        "memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    write_tree(tmp_path, cgroup, V1.format(root="/"), files)
    assert cpu_quota(tmp_path) == 1.5
    assert memory_limit_bytes(tmp_path) == GIB


def test_an_old_hierarchy_hands_no_limit_down(tmp_path: Path) -> None:
    files = {
        "memory/a/memory.limit_in_bytes": f"{GIB}\n",
        "memory/a/memory.use_hierarchy": "0\n",
        "memory/a/b/memory.limit_in_bytes": f"{2 * GIB}\n",
        "memory/a/b/memory.use_hierarchy": "0\n",
    }
    write_tree(tmp_path, "4:memory:/a/b\n", V1.format(root="/"), files)
    assert memory_limit_bytes(tmp_path) == 2 * GIB


def test_a_container_may_be_mounted_from_its_own_group_on(tmp_path: Path) -> None:
    """Docker with version 1: the path is the host's, and the mount begins there."""
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "memory/memory.limit_in_bytes": f"{GIB}\n",
    }
    cgroup = "4:memory:/docker/ab12\n3:cpu,cpuacct:/docker/ab12\n"
    write_tree(tmp_path, cgroup, V1.format(root="/docker/ab12"), files)
    assert cpu_quota(tmp_path) == 0.5
    assert memory_limit_bytes(tmp_path) == GIB


def test_who_entered_a_container_from_outside_is_in_the_container_s_group(tmp_path: Path) -> None:
    write_tree(tmp_path, "0::/../../outside\n", V2, {"cpu.max": "100000 100000\n"})
    assert cpu_quota(tmp_path) == 1.0


def test_the_group_of_a_stranger_is_not_taken_for_one_s_own(tmp_path: Path) -> None:
    """A part of the hierarchy that is mounted a second time elsewhere."""
    bound = "40 23 0:27 /other /mnt/other rw - cgroup2 cgroup2 rw\n"
    write_tree(tmp_path, "0::/own\n", bound + V2, {"own/cpu.max": "max 100000\n"})
    (tmp_path / "mnt/other").mkdir(parents=True)
    (tmp_path / "mnt/other/cpu.max").write_text("1000 100000\n")
    assert cpu_quota(tmp_path) is None


def test_blanks_in_the_place_of_a_mount(tmp_path: Path) -> None:
    mounts = V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/of\\040mine")
    write_tree(tmp_path, "0::/\n", mounts, {"of mine/cpu.max": "100000 50000\n"})
    assert cpu_quota(tmp_path) == 2.0


@pytest.mark.parametrize("text", ["", "max", "0 0", "nonsense", "100000", "-1 100000"])
def test_what_is_no_quota_limits_nothing(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, "0::/\n", V2, {"cpu.max": text, "memory.max": text})
    assert cpu_quota(tmp_path) is None
    assert memory_limit_bytes(tmp_path) in (None, 100000)


@given(st.integers(1, 64_000_000), st.sampled_from([1_000, 50_000, 100_000, 1_000_000]))
def test_a_quota_is_rounded_up_to_whole_threads(
    tmp_path_factory: pytest.TempPathFactory, quota_us: int, period_us: int
) -> None:
    root = tmp_path_factory.mktemp("tree")
    write_tree(root, "0::/\n", V2, {"cpu.max": f"{quota_us} {period_us}\n"})
    cores = machine.cores(root)
    assert 1 <= cores <= machine.processors()
    assert cores == machine.processors() or cores - 1 < quota_us / period_us <= cores


def test_pages_of_files_are_free_to_be_taken(tmp_path: Path) -> None:
    files = {
        "memory.max": f"{4 * GIB}\n",
        "memory.current": f"{3 * GIB}\n",
        "memory.stat": f"anon {GIB}\nactive_file {GIB}\ninactive_file {GIB // 2}\n",
    }
    write_tree(tmp_path, "0::/\n", V2, files)
    assert free_memory_bytes(tmp_path) == 4 * GIB - 3 * GIB // 2
    assert machine.available_memory_bytes(tmp_path) == 4 * GIB - 3 * GIB // 2


def test_throttling_is_told_in_periods_and_nanoseconds(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 9\nnr_throttled 3\nthrottled_usec 1500\n")
    new = Group(tmp_path, 2).throttling()
    (tmp_path / "cpu.cfs_quota_us").write_text("50000\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "cpu.stat").write_text("nr_periods 8\nnr_throttled 5\nthrottled_time 4500000\n")
    old = Group(tmp_path, 1).throttling()
    assert new == Throttling(3, 1_500_000)
    assert old == Throttling(5, 4_500_000)
    assert old.since(new) == Throttling(2, 3_000_000)
    (tmp_path / "cpu.cfs_quota_us").write_text("-1\n")
    assert Group(tmp_path, 1).throttling() is None


def test_a_worker_s_group_does_not_escape_a_limit_of_our_own(tmp_path: Path) -> None:
    """Of version 2 it stands beside our own group, whose limits would not hold for it."""
    files = {
        "cgroup.subtree_control": "cpu memory\n",
        "slice/cgroup.subtree_control": "cpu memory\n",
        "slice/scope/cgroup.subtree_control": "\n",
        "slice/scope/cpu.max": "max 100000\n",
    }
    write_tree(tmp_path, "0::/slice/scope\n", V2, files)
    top = tmp_path / "sys/fs/cgroup"
    assert _parents(tmp_path) == [(top / "slice", 2), (top, 2)]
    (top / "slice/memory.max").write_text(f"{GIB}\n")
    assert _parents(tmp_path) == [(top / "slice", 2)]
    (top / "slice/scope/cpu.max").write_text("50000 100000\n")
    assert _parents(tmp_path) == []


SCRIPT = """
import json, os, sys, time
from pathlib import Path
for group in sys.argv[1:]:
    (Path(group) / "cgroup.procs").write_text("0")
from neuralake import machine
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.measure.execution import measure
from neuralake.results.fingerprint import fingerprint
settings = {}
for name in os.environ["ENGINES"].split(","):
    options = {"delta_reader": "snapshot-files"} if name == "spark" else {}
    spec = registry.resolve(EngineSpec(name, options), None)
    engine = registry.start(spec)
    settings[name] = dict(engine.settings)
    if name == "spark":
        jvm = engine._jvm.spark._jvm
        settings["jvm"] = [jvm.Runtime.getRuntime().availableProcessors(), engine._jvm.heap_bytes()]
    engine.close()
def busy():
    n = 0
    while n < 5_000_000:
        n += 1
# whatever else the machine is busy with, it is to be the quota that stops this
os.nice(-10)
deadline = time.monotonic() + 120
_, execution = measure(busy)
while not execution.throttled_ns and time.monotonic() < deadline:  # counted at the end of a stop
    _, execution = measure(busy)
found = fingerprint(Path.cwd())
print(json.dumps({
    "settings": settings,
    "cores": [found.cores, machine.cores(), found.cpu_quota],
    "memory": [found.memory_bytes, found.memory_limit_bytes, machine.available_memory_bytes()],
    "throttled": [execution.throttled_periods, execution.throttled_ns],
}))
"""


@pytest.mark.parametrize("spark", few([False, True]))
def test_in_half_a_core_and_2_gib_everything_is_sized_by_that(spark: bool) -> None:
    """Threads of each engine, heap, and fingerprint, in real control groups of this machine."""
    with limited_groups(0.5, 2 * GIB) as entered:
        if entered is None:
            pytest.skip(NO_GROUPS)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, entered)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"ENGINES": ",".join((*FAST_ENGINES, *(["spark"] if spark else [])))},
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["cores"] == [1, 1, 0.5]
    limit_bytes, recorded, available_bytes = found["memory"]
    assert (limit_bytes, recorded) == (2 * GIB, 2 * GIB)
    assert available_bytes < 2 * GIB
    settings = found["settings"]
    assert settings["polars"]["threads"] == 1
    assert settings["datafusion"]["target_partitions"] == 1
    assert settings["duckdb"]["threads"] == 1
    if spark:
        assert settings["spark"]["master"] == "local[1]"
        assert settings["spark"]["shuffle_partitions"] == 1
        processors, heap_bytes = settings["jvm"]
        assert processors == 1
        assert GIB < heap_bytes < 0.75 * 2 * GIB
        # what was asked for, by the memory that was free: a JVM rounds it up to whole regions
        asked_bytes = int(settings["spark"]["driver_memory"].removesuffix("m")) * 2**20
        assert 0 <= heap_bytes - asked_bytes < 32 * 2**20
    periods, time_ns = found["throttled"]
    assert periods > 0
    assert time_ns > 0
