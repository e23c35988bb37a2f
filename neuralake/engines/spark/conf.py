"""Spark's settings, and the directory from which its JVM reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from neuralake.engines.spark.masters import own_address, parse_master
from neuralake.engines.spark.options import SparkOptions, heap
from neuralake.machine import cores

# With which Spark is started for Delta Lake (Delta Lake, "Set up Apache Spark")
DELTA_CONF: Final = MappingProxyType(
    {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
)
# Lists that the user's value extends and does not replace: without Delta's own, no table opens.
_LISTS = ("spark.jars", "spark.sql.extensions")
# Spark's own spark.redaction.regex, widened: Hadoop's and Java's names of secrets.
_SECRET = re.compile(r"secret|password|passwd|token|credential|access.?key|api.?key", re.IGNORECASE)
_ERRORS_ONLY = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = spark: %p %c{1}: %m%n%ex
"""


def spark_conf(
    options: SparkOptions, jars: Sequence[Path], scratch: Path, s3_jars: Sequence[Path] = ()
) -> dict[str, str]:
    """Every setting that Spark is started with.

    Parameters
    ----------
    options
        What the caller chose.
    jars
        Delta's jars; none where Spark reads plain Parquet files.
    scratch
        Directory for whatever Spark writes.
    s3_jars
        Those by which it reaches S3, if it is to.
    """
    master = parse_master(options.master)
    host = own_address(master)
    parallelism = options.cores or cores()
    conf = {
        "spark.master": options.master if master.kind == "cluster" else f"local[{parallelism}]",
        "spark.app.name": "neuralake",
        "spark.driver.memory": heap(options),
        "spark.driver.host": host,
        "spark.driver.bindAddress": host,
        # a crash report goes to where the user looks, not into the working directory; the JVM's own
        # threads are as many as all others, though it sees no quota of an outer control group
        "spark.driver.defaultJavaOptions": (
            f'-XX:+ErrorFileToStderr "-Djava.io.tmpdir={scratch}" -XX:-UsePerfData '
            f"-XX:ActiveProcessorCount={cores()}"
        ),
        "spark.scheduler.mode": options.scheduler.upper(),
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **_sql_conf(options, parallelism),
        # results are Arrow anyway; self-destruction stays off: it copies every column, to free
        # memory while a result is turned into pandas
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    if jars or s3_jars:
        conf["spark.jars"] = ",".join(str(jar) for jar in (*jars, *s3_jars))
    if jars:
        conf |= {
            **DELTA_CONF,
            **_delta_conf(parallelism),
        }
    lists = {
        key: f"{conf[key]},{value}"
        for key, value in options.config.items()
        if key in _LISTS and key in conf
    }
    return {**conf, **options.config, **lists}


def session_conf(options: SparkOptions, parallelism: int) -> dict[str, str]:
    """Those settings that a session may choose, where somebody else has started Spark.

    Parameters
    ----------
    options
        What the caller chose.
    parallelism
        Tasks that run at once there.
    """
    return {**_sql_conf(options, parallelism), **_delta_conf(parallelism), **options.config}


def _sql_conf(options: SparkOptions, parallelism: int) -> dict[str, str]:
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.adaptive.enabled": "true",
        # "name" is a name, as to the other engines and to the standard, and no string
        "spark.sql.ansi.doubleQuotedIdentifiers": "true",
        # CHAR and VARCHAR are strings, as a Delta log has them: Spark alone would pad the one
        "spark.sql.legacy.charVarcharAsString": "true",
        # the defaults, 200 and 10,000 tasks, are a cluster's
        "spark.sql.shuffle.partitions": str(options.shuffle_partitions or parallelism),
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(parallelism),
    }


def _delta_conf(parallelism: int) -> dict[str, str]:
    return {
        # 50 by default: that many empty tasks for the log of a small table
        "spark.databricks.delta.snapshotPartitions": str(parallelism),
        # the commits tell what a table is, even where files that sum them up contradict them
        "spark.databricks.delta.deltaLog.minorCompaction.useForReads": "false",
        # Versions from before the retention of deleted files are refused, whether their files are
        # there or not; Neuralake looks for the files
        "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": (
            "false"
        ),
        # Outside of UTC the log would be replayed after each commit, to compare the table's files
        # with what is believed: what a write costs would depend on where the machine stands
        "spark.databricks.delta.allFilesInCrc.verificationMode.forceOnNonUTC.enabled": "false",
    }


def write_conf_dir(conf: Mapping[str, str], directory: Path) -> None:
    """Write settings and logging to a directory for ``SPARK_CONF_DIR``.

    The heap must be known before the JVM starts, and whatever is on a command line, credentials
    included, can be read by every user of the machine: a file serves both.
    """
    directory.mkdir(mode=0o700)
    lines = [f"{key} {_escape(value)}\n" for key, value in conf.items()]
    (directory / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    (directory / "log4j2.properties").write_text(_ERRORS_ONLY)


def shown_settings(
    conf: Mapping[str, str], options: SparkOptions, delta_jars: Sequence[str]
) -> dict[str, Any]:
    """What of the settings is recorded with every result; the values of secrets are not."""
    return {
        "master": conf["spark.master"],
        "driver_memory": conf["spark.driver.memory"],
        "scheduler": conf["spark.scheduler.mode"].lower(),
        **shown(conf, options, reads_delta=bool(delta_jars)),
        **({"delta_jars": list(delta_jars)} if delta_jars else {}),
    }


def shown(conf: Mapping[str, str], options: SparkOptions, *, reads_delta: bool) -> dict[str, Any]:
    """What is recorded of a session's settings, and of those that the caller gave.

    Parameters
    ----------
    conf
        In effect.
    options
        What the caller chose.
    reads_delta
        Whether tables are read through Delta Lake.
    """
    settings: dict[str, Any] = {
        "shuffle_partitions": _number(conf["spark.sql.shuffle.partitions"]),
        "adaptive": conf["spark.sql.adaptive.enabled"].lower() == "true",
        "delta_reader": "delta" if reads_delta else "snapshot-files",
        "time_zone": conf["spark.sql.session.timeZone"],
    }
    if reads_delta:
        settings["snapshot_partitions"] = _number(conf["spark.databricks.delta.snapshotPartitions"])
    elif options.delta_reader == "auto":
        settings["delta_reader_instead_of"] = "delta"
    for key, value in options.config.items():
        settings[key] = "***" if _SECRET.search(key) or _SECRET.search(value) else value
    return settings


def _number(value: str) -> int | str:
    return int(value) if value.isdecimal() else value


def _escape(value: str) -> str:
    """A value as java.util.Properties reads it back."""
    value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return re.sub(r"^(?=[ \t\f])", r"\\", value)
