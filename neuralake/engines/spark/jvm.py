"""Start Spark in a JVM of its own, and leave nothing of it behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralake.engines.spark.cluster import (
    ENDED_BY_CLUSTER,
    Executors,
    Watch,
    Workers,
    ask_workers,
    cluster_conf,
    facts,
)
from neuralake.engines.spark.conf import spark_conf, write_conf_dir
from neuralake.engines.spark.jars import spark_home
from neuralake.engines.spark.java import write_java_home
from neuralake.engines.spark.loggers import be_quiet
from neuralake.engines.spark.masters import own_address, parse_master
from neuralake.engines.spark.options import SparkOptions
from neuralake.errors import EngineError
from neuralake.java.runtime import OPTION_VARIABLES, Java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_STOP_TIMEOUT_S = 30
_DIAGNOSTICS = "com.sun.management.HotSpotDiagnosticMXBean"
_MOST_SAID_BYTES = 64 << 10
_STANDARD_ERROR = 2  # by number: sys.stderr may be an object without a file
# A user's cluster is configured through these; a measurement must not depend on them.
_FOREIGN_PREFIXES = ("SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "HIVE_")
_FOREIGN_NAMES = ("MASTER", *OPTION_VARIABLES)


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
    cluster
        On what the work is done, where that is a cluster: facts for people.

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
        master = parse_master(options.master)
        self.conf = spark_conf(options, jars, scratch, s3_jars)
        self.cluster: Mapping[str, Any] = {}
        self._watch: Watch | None = None
        self._workers: Workers | None = None
        try:
            write_conf_dir(self.conf, scratch / "conf")
            write_java_home(java, scratch / "java")
            with _environment(
                _variables(scratch / "java", scratch / "conf", own_address(master), options)
            ):
                self.spark = self._launch(java, options)
            self._remove_at_exit(scratch)
            if self._workers is not None:
                self._await_executors(self._workers, options)
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

    @property
    def lost(self) -> str:
        """Why the cluster will never answer again; empty while it may."""
        return "" if self._watch is None else self._watch.lost

    def stop(self) -> None:
        """Stop Spark, end the JVM and remove what it wrote. May be called again."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        gateway, self._gateway = self._gateway, None
        if gateway is not None:
            _stop(gateway)
        self._scratch.cleanup()

    def _remove_at_exit(self, directory: Path) -> None:
        """Let the JVM, which outlives a Python that is killed, remove what would stay behind."""
        jvm = self._gateway.jvm
        hooks = jvm.org.apache.spark.util.ShutdownHookManager
        hooks.registerShutdownDeleteDir(jvm.java.io.File(str(directory)))

    def _await_executors(self, workers: Workers, options: SparkOptions) -> None:
        executors = Executors(self.spark)
        executors.wait(workers, options.cores)
        executors.require_version(self.spark, str(self.spark.version))
        self.cluster = facts(workers, executors, self.conf)
        self._watch = Watch(executors)

    def _ask_cluster(self, options: SparkOptions) -> dict[str, str]:
        """The settings that depend on the cluster, before there is an application."""
        jvm = self._gateway.jvm
        version = str(jvm.org.apache.spark.package.SPARK_VERSION())
        host = self.conf["spark.driver.host"]
        self._workers = ask_workers(jvm, parse_master(options.master), version, host)
        found = cluster_conf(options, self._workers)
        self.conf |= found
        return found

    def _launch(self, java: Java, options: SparkOptions) -> SparkSession:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkException
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        if SparkContext._active_spark_context is not None:
            raise EngineError("spark: Spark runs in this process already: close it first")
        be_quiet()
        said = _Said()
        try:
            # standard output is for answers: what the JVM prints there goes to standard error
            self._gateway = launch_gateway(  # type: ignore[no-untyped-call]
                popen_kwargs={"stdout": _STANDARD_ERROR}
            )
            conf = SparkConf(_jvm=self._gateway.jvm)
            if parse_master(options.master).kind == "cluster":
                conf.setAll(list(self._ask_cluster(options).items()))
            SparkContext(gateway=self._gateway, conf=conf)
            return SparkSession.builder.getOrCreate()
        except (Py4JError, PySparkException, OSError) as error:
            if self._workers is not None and "stopped SparkContext" in str(error):
                raise EngineError(f"spark: {ENDED_BY_CLUSTER}") from error
            reason = said.of(error) or _first_line(error)
            raise EngineError(f"spark: {java.executable} did not start Spark: {reason}") from error


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


def _variables(java_home: Path, conf_dir: Path, host: str, options: SparkOptions) -> dict[str, str]:
    return {
        "JAVA_HOME": str(java_home),
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(conf_dir),
        "SPARK_LOCAL_IP": host,
        "PYSPARK_PYTHON": options.python or sys.executable,
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


class _Said:
    """What a JVM that ends at once has written, where standard error is a file: a worker's."""

    def __init__(self) -> None:
        self._begin: int | None = None
        with suppress(OSError):
            found = os.fstat(_STANDARD_ERROR)
            self._begin = found.st_size if stat.S_ISREG(found.st_mode) else None

    def of(self, error: BaseException) -> str:
        """What says why, if the error is that the JVM has ended; else nothing."""
        if self._begin is None or "JAVA_GATEWAY_EXITED" not in str(error):
            return ""
        lines: list[str] = []
        with suppress(OSError), Path(f"/proc/self/fd/{_STANDARD_ERROR}").open("rb") as file:
            file.seek(self._begin)
            lines = file.read(_MOST_SAID_BYTES).decode(errors="replace").splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        thrown = next((line for line in lines if "Exception" in line), None)
        return thrown or " ".join(lines[:2])


def _first_line(error: BaseException) -> str:
    java_exception = getattr(error, "java_exception", None)
    text = str(java_exception) if java_exception is not None else str(error)
    return text.strip().partition("\n")[0]
