"""A Java that starts quickly: what it runs lives for seconds, and its speed is nobody's matter."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from neuralake.engines.spark.java import find_java
from neuralake.errors import EngineUnavailableError

# Code that runs for seconds is not worth the second compiler, which costs more than it gains until
# then, nor is a heap of 512 MiB worth collectors that run beside the program. Spark's own classes
# need no verification; and they are more than 21 MiB, from which on a JVM would collect all of its
# heap three times before it has loaded them. Nor is code that has not run for a while swept out of
# the little room that one compiler has, which took a twelfth of a processor's time.
OPTIONS = (
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:MetaspaceSize=256m"),
    *("-XX:-UseCodeCacheFlushing", "-XX:ReservedCodeCacheSize=240m"),
    *("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote"),
)


def write_quick_java(home: Path) -> bool:
    """Make a ``JAVA_HOME`` in front of the Java that Spark would find; False if there is none."""
    try:
        java = find_java(os.environ)
    except EngineUnavailableError:
        return False
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    command = shlex.join([str(java.executable), *OPTIONS])
    launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    launcher.chmod(0o755)
    (home / "release").write_text(f'JAVA_VERSION="{java.version}"\n')
    return True
