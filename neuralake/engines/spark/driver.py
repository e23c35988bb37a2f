"""Spark whose driver is a JVM of ours: it works there, or has a cluster work."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralake.engines.spark.conf import shown_settings
from neuralake.engines.spark.jars import DELTA_JARS, DELTA_VERSION, delta_jars, s3_jars
from neuralake.engines.spark.java import find_java
from neuralake.engines.spark.jvm import SparkJvm
from neuralake.engines.spark.options import SparkOptions, heap_in_effect
from neuralake.engines.spark.s3 import set_buckets
from neuralake.engines.spark.s3_jars import HADOOP_VERSION
from neuralake.errors import EngineError, EngineUnavailableError
from neuralake.java.runtime import OLDEST_VERSION, OPTION_VARIABLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Driver:
    """A JVM that belongs to this process.

    Parameters
    ----------
    options
        What the caller chose.

    Attributes
    ----------
    jvm
        That runs.
    """

    def __init__(self, options: SparkOptions) -> None:
        java = find_java(os.environ)
        for reason in java.passed_over:
            _tell(f"{reason}, Spark needs {OLDEST_VERSION}: using {java.executable}")
        jars = _jars(options)
        self.jvm = SparkJvm(options, jars, java, _s3_jars(options))
        self.works_elsewhere = bool(self.jvm.cluster)
        self.has_delta = bool(jars)
        self._reaches_s3 = options.object_storage
        self._buckets: dict[str, Mapping[str, str]] = {}
        coordinates = [jar.coordinates for jar in DELTA_JARS] if jars else []
        settings = shown_settings(self.jvm.conf, options, coordinates)
        settings["driver_memory"] = heap_in_effect(settings["driver_memory"], self.jvm.heap_bytes())
        if ignored := [name for name in OPTION_VARIABLES if name in os.environ]:
            settings["ignored_variables"] = ignored
            _tell(f"{', '.join(ignored)}: not passed on; spark.driver.extraJavaOptions is")
        self.settings: Mapping[str, Any] = {**settings, **self.jvm.cluster}
        reader = {"delta-spark": DELTA_VERSION} if jars else {"deltalake": version("deltalake")}
        if options.object_storage:
            reader["hadoop-aws"] = HADOOP_VERSION
        self._versions = {"pyspark": version("pyspark"), **reader, "java": self.jvm.java_version()}

    @property
    def lost(self) -> str:
        """Why the cluster will never answer again; empty while it may."""
        return self.jvm.lost

    def versions(self) -> dict[str, str]:
        """Of Spark, of what reads Delta tables, and of the Java runtime that runs them."""
        return dict(self._versions)

    def new_session(self) -> SparkSession:
        """A session in this JVM."""
        return self.jvm.spark.newSession()

    def end_session(self, session: SparkSession) -> None:
        """Nothing: what a session has is little, and ends with the JVM."""

    def note(self, error: Exception) -> None:
        """Nothing: whether executors are left is watched."""

    def reach(self, buckets: Mapping[str, Mapping[str, str]]) -> None:
        """Take up what reaches S3.

        Raises
        ------
        EngineError
            If Spark was started without what reaches it, or a bucket is reached in another way than
            before.
        """
        if buckets and not self._reaches_s3:
            raise EngineError("spark: tables lie on S3: start it with object_storage=true")
        for bucket, options in buckets.items():
            # Hadoop keeps one connection a bucket, for as long as the JVM lives
            if self._buckets.setdefault(bucket, options) != options:
                raise EngineError(
                    f"spark: the bucket {bucket} was reached with other storage options before: "
                    "start Spark anew"
                )
        set_buckets(self.jvm.spark, buckets)

    def stop(self) -> None:
        """Stop Spark and end its JVM."""
        self.jvm.stop()


def fetch(options: SparkOptions) -> None:
    """Fetch Delta's jars and those for S3, unless they are in the cache or not asked for.

    Raises
    ------
    EngineError
        If they cannot be had.
    """
    _jars(options)
    _s3_jars(options)


def _jars(options: SparkOptions) -> list[Path]:
    """Delta's jars, or none if the snapshot's files are to be read instead."""
    if options.delta_reader == "snapshot-files":
        return []
    try:
        return delta_jars(os.environ)
    except EngineUnavailableError:
        raise
    except EngineError as error:
        if options.delta_reader == "delta":
            raise EngineError(f"spark: {error}") from error
        _tell(f"{error}; reading the files of Delta snapshots as plain Parquet instead")
        return []


def _s3_jars(options: SparkOptions) -> list[Path]:
    """The jars by which Spark reaches S3, or none if it need not."""
    try:
        return s3_jars(os.environ) if options.object_storage else []
    except EngineUnavailableError:
        raise
    except EngineError as error:
        raise EngineError(f"spark: tables lie on S3: {error}") from error


def _tell(line: str) -> None:
    print(f"neuralake: spark: {line}", file=sys.stderr)
