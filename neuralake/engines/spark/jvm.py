"""Start Spark in a JVM of its own, and leave nothing of it behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralake.engines.spark.conf import spark_conf, write_conf_dir
from neuralake.engines.spark.jars import spark_home
from neuralake.engines.spark.java import write_java_home
from neuralake.engines.spark.options import SparkOptions
from neuralake.errors import EngineError
from neuralake.java.runtime import OPTION_VARIABLES, Java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_STOP_TIMEOUT_S = 30
_DIAGNOSTICS = "com.sun.management.HotSpotDiagnosticMXBean"
_STANDARD_ERROR = 2  # by number: sys.stderr may be an object without a file
# A user's cluster is configured through these; a measurement must not depend on them.
_FOREIGN_PREFIXES = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HIVE_")
_FOREIGN_NAMES = ("MASTER", *OPTION_VARIABLES)
# They print, with a stack trace, each error that PySpark raises besides.
_REPEATING_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")


class SparkJvm:
    """A running Spark.

    Parameters
    ----------
    options
        What the caller chose.
    jars
        Delta's jars, or none.
    java
        The runtime to start.
    s3_jars
        Those by which Spark reaches S3, or none.

    Attributes
    ----------
    conf
        Every setting that Spark was started with.
    spark
        The first session; sessions for tables branch off it.

    Raises
    ------
    EngineError
        If the JVM or Spark does not start.
    """

    def __init__(
        self,
        options: SparkOptions,
        jars: Sequence[Path],
        java: Java,
        s3_jars: Sequence[Path] = (),
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(
            prefix="neuralake-spark-", ignore_cleanup_errors=True
        )
        self._gateway: Any = None
        scratch = Path(self._scratch.name)
        self.conf = spark_conf(options, jars, scratch, s3_jars)
        try:
            write_conf_dir(self.conf, scratch / "conf")
            write_java_home(java, scratch / "java")
            with _environment(_variables(scratch / "java", scratch / "conf")):
                self.spark = self._launch(java)
            self._remove_at_exit(scratch)
        except BaseException:
            self.stop()
            raise

    def java_version(self) -> str:
        """Version and vendor of the Java that is running."""
        system = self._gateway.jvm.System
        return f"{system.getProperty('java.runtime.version')} ({system.getProperty('java.vendor')})"

    def heap_bytes(self) -> int:
        """The largest heap that the JVM may have, as it says itself."""
        beans = self._gateway.jvm.java.lang.management.ManagementFactory
        kind = self._gateway.jvm.java.lang.Class.forName(_DIAGNOSTICS)
        return int(beans.getPlatformMXBean(kind).getVMOption("MaxHeapSize").getValue())

    def stop(self) -> None:
        """Stop Spark, end the JVM and remove what it wrote. May be called again."""
        gateway, self._gateway = self._gateway, None
        if gateway is not None:
            _stop(gateway)
        self._scratch.cleanup()

    def _remove_at_exit(self, directory: Path) -> None:
        """Let the JVM, which outlives a Python that is killed, remove what would stay behind."""
        jvm = self._gateway.jvm
        hooks = jvm.org.apache.spark.util.ShutdownHookManager
        hooks.registerShutdownDeleteDir(jvm.java.io.File(str(directory)))

    def _launch(self, java: Java) -> SparkSession:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]
        from pyspark import SparkContext
        from pyspark.errors import PySparkException
        from pyspark.java_gateway import launch_gateway
        from pyspark.logger import PySparkLogger
        from pyspark.sql import SparkSession

        if SparkContext._active_spark_context is not None:
            raise EngineError("spark: Spark runs in this process already: close it first")
        # Of a package that nothing here hands to Spark; a line that is no answer and no error
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        for name in _REPEATING_LOGGERS:
            PySparkLogger.getLogger(name).disabled = True
        try:
            # standard output is for answers: what the JVM prints there goes to standard error
            self._gateway = launch_gateway(  # type: ignore[no-untyped-call]
                popen_kwargs={"stdout": _STANDARD_ERROR}
            )
            SparkContext(gateway=self._gateway)
            return SparkSession.builder.getOrCreate()
        except (Py4JError, PySparkException, OSError) as error:
            raise EngineError(
                f"spark: {java.executable} did not start Spark: {_first_line(error)}"
            ) from error


def _stop(gateway: Any) -> None:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    process: subprocess.Popen[bytes] = gateway.proc
    session = SparkSession._instantiatedSession
    # a JVM that died already cannot be asked to stop
    if process.poll() is None:
        with suppress(Exception):
            (session or SparkContext._active_spark_context or gateway).stop()
        with suppress(Exception):
            gateway.shutdown()
    _forget()
    # the JVM exits when its standard input ends
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _forget() -> None:
    """Let PySpark start a new JVM in this process, with other settings."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    SparkContext._active_spark_context = None
    SparkContext._gateway = None
    SparkContext._jvm = None
    SparkSession._instantiatedSession = None
    SparkSession._activeSession = None


def _variables(java_home: Path, conf_dir: Path) -> dict[str, str]:
    return {
        "JAVA_HOME": str(java_home),
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(conf_dir),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The process's environment while Spark starts: without other Sparks' variables."""
    foreign = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_FOREIGN_PREFIXES) or name in _FOREIGN_NAMES or name in variables
    }
    for name in foreign:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(foreign)


def _first_line(error: BaseException) -> str:
    java_exception = getattr(error, "java_exception", None)
    text = str(java_exception) if java_exception is not None else str(error)
    return text.strip().partition("\n")[0]
