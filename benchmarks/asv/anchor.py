"""The anchor: a fixed commit, measured beside each commit with the same engines and interpreter.

Its Neuralake is built once, into a directory that goes before the environment's own on the path
of the worker. So nothing but Neuralake differs between the two arms, and what the machine does in
the meantime, it does to both.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


class AnchorError(Exception):
    """The anchor cannot be built."""


def ready_anchor(commit: str, root: Path, python: str = sys.executable) -> Path:
    """Directory with the anchor's Neuralake, built if it is absent.

    Parameters
    ----------
    commit
        Any name of the commit.
    root
        Root of the repository.
    python
        Interpreter with pip and what builds the project; asv's environments have both.

    Raises
    ------
    AnchorError
        If the commit is not in this clone, or cannot be built.
    """
    revision = _git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    full = revision.decode().strip()
    directory = root / ".asv" / "anchors" / full
    if directory.exists():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as temporary:
        source, target = Path(temporary, "source"), Path(temporary, "target")
        with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", full))) as archive:
            archive.extractall(source, filter="data")
        pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        _run([*pip, "--no-build-isolation", "--target", str(target), str(source)], f"build {full}")
        target.replace(directory)
    return directory


def _git(root: Path, *arguments: str) -> bytes:
    advice = f"find {arguments[-1]} in {root}: fetch it, or set NEURALAKE_ASV_ARMS=commit"
    return _run(["git", "-C", str(root), *arguments], advice)


def _run(command: list[str], what: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise AnchorError(f"the anchor: cannot {what} {said}".strip())
    return done.stdout
