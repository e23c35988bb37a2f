"""The dataset of all commits: made once, outside their environments, by the first that needs it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .plan import scale_factor

SUITE = Path(__file__).parent


@dataclass(frozen=True)
class Dataset:
    """Where the dataset and the right answers lie.

    Attributes
    ----------
    path
        Directory of the dataset.
    answers
        Directory of the answers, beside it.
    """

    path: Path
    answers: Path


def project_root(environ: Mapping[str, str]) -> Path:
    """Root of the repository that asv was started in; the suite's own without asv."""
    return Path(environ.get("ASV_CONF_DIR") or SUITE.parents[1])


def find_dataset(environ: Mapping[str, str]) -> Dataset:
    """Where the dataset is, or will be: under ``NEURALAKE_STORAGE_ROOT`` or ``data/``."""
    root = project_root(environ) / (environ.get("NEURALAKE_STORAGE_ROOT") or "data")
    name = f"sf{scale_factor(environ)}"
    return Dataset(root / "tpch" / name, root / "tpch" / f"{name}.answers")


def ready_dataset(environ: Mapping[str, str]) -> Dataset:
    """The dataset with its answers, made if they are absent.

    Raises
    ------
    subprocess.CalledProcessError
        If Neuralake cannot make it, or the answers of two engines disagree; they said why.
    """
    dataset = find_dataset(environ)
    dataset.answers.mkdir(parents=True, exist_ok=True)
    with _locked(dataset.answers / "lock"):
        if not (dataset.path / "manifest.json").exists():
            generate(scale_factor(environ), dataset.path)
        run_module("answers", str(dataset.path), str(dataset.answers))
    return dataset


def generate(scale: str, directory: Path) -> None:
    """Make a dataset with the command line of the environment's commit."""
    command = Path(sys.executable).with_name("neuralake")
    subprocess.run([command, "generate", "--scale-factor", scale, "--to", directory], check=True)


def module_command(module: str, *arguments: str) -> list[str]:
    """Command that runs a module of this suite, with the current directory left out of its path."""
    return [sys.executable, "-P", "-m", f"{SUITE.name}.{module}", *arguments]


def module_environment(*first: str) -> dict[str, str]:
    """Environment in which the suite is found, after the directories given.

    Its parent goes onto the path and not the root of the repository: ``neuralake`` must be the
    commit's, never that of the working tree.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*first, str(SUITE.parent)])}


def run_module(module: str, *arguments: str) -> None:
    """Run a module of this suite in a process of its own."""
    command = module_command(module, *arguments)
    subprocess.run(command, check=True, env=module_environment())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time, on this machine."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
