"""One of the JVMs of a cluster: started with the installed Spark, ended with all that it started.

The launcher of ``spark-class`` is passed over, as it starts a JVM of its own to find a command line
that is known here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neuralake.engines.spark.jars import SCALA_VERSION, spark_home
from neuralake.engines.spark.java import write_java_home
from neuralake.java.runtime import Java, without_options
from neuralake.mortal import mortal
from neuralake.starting import log_tail

HOST: Final = "127.0.0.1"
# Those of the user's own clusters
_FOREIGN_PREFIXES = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HIVE_")
_WARNINGS = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c{1}: %m%n%ex
"""


@dataclass(frozen=True)
class Place:
    """Where the processes of a cluster keep what they write, and how they are started.

    Attributes
    ----------
    directory
        Theirs alone.
    java_options
        Of each JVM that we start ourselves, executors not among them.
    """

    directory: Path
    java_options: tuple[str, ...] = ()

    def prepare(self, java: Java, settings: Mapping[str, str]) -> None:
        """Write what they read: Java, settings and how to log.

        Parameters
        ----------
        java
            The runtime of all of them.
        settings
            Of Spark, as ``spark-defaults.conf`` has them.
        """
        write_java_home(java, self.directory / "java")
        configuration = self.directory / "conf"
        configuration.mkdir()
        lines = [f"{name} {value}\n" for name, value in settings.items()]
        (configuration / "spark-defaults.conf").write_text("".join(lines))
        (configuration / "log4j2.properties").write_text(_WARNINGS)
        for name in ("local", "tmp"):
            (self.directory / name).mkdir()

    def start(self, name: str, heap: str, main: Sequence[str]) -> ClusterProcess:
        """Start one of them.

        Parameters
        ----------
        name
            Of its log.
        heap
            As Java's ``-Xmx``.
        main
            Class and arguments.
        """
        home = spark_home()
        log = self.directory / f"{name}.log"
        command = [
            str(self.directory / "java" / "bin" / "java"),
            *("-cp", f"{self.directory / 'conf'}:{home / 'jars'}/*"),
            f"-Xmx{heap}",
            f"-Djava.io.tmpdir={self.directory / 'tmp'}",
            *_MODULES,
            *self.java_options,
            *main,
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(
                mortal(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(home),
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for us, and a worker's executors are its group
            )
        return ClusterProcess(name, process, log)

    def _environment(self, home: Path) -> dict[str, str]:
        own = {
            name: value
            for name, value in without_options(os.environ).items()
            if not name.startswith(_FOREIGN_PREFIXES)
        }
        return own | {
            "JAVA_HOME": str(self.directory / "java"),
            "SPARK_HOME": str(home),
            "SPARK_CONF_DIR": str(self.directory / "conf"),
            "SPARK_LOCAL_DIRS": str(self.directory / "local"),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_SCALA_VERSION": SCALA_VERSION,  # without it a worker starts no executor
            "PYSPARK_PYTHON": sys.executable,  # of Spark Connect; other drivers say their own
            "TMPDIR": str(self.directory / "tmp"),  # of Python on the executors
        }


@dataclass(frozen=True)
class ClusterProcess:
    """A process that was started.

    Attributes
    ----------
    name
        Such as ``worker-1``.
    process
        The leader of its group.
    log
        Where its output goes.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self.process.poll() is None

    def kill(self, *, group: bool = True) -> None:
        """End it as ``kill -9`` does.

        Parameters
        ----------
        group
            Whether what it started is ended with it, which for a worker are its executors.
        """
        with suppress(ProcessLookupError, PermissionError):
            if group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        """The end of its log, in a line."""
        return log_tail(self.log)


# What Spark 4.2 gives to each JVM (org.apache.spark.launcher.JavaModuleOptions)
_MODULES = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang",
            "java.lang.invoke",
            "java.lang.reflect",
            "java.io",
            "java.net",
            "java.nio",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "jdk.internal.ref",
            "sun.nio.ch",
            "sun.nio.cs",
            "sun.util.calendar",
        )
    ),
    "-Djdk.reflect.useDirectMethodHandle=false",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
    "--enable-native-access=ALL-UNNAMED",
)
