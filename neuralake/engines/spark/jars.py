"""Which jars Spark needs besides its own: Delta Lake's, and those by which it reaches S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from neuralake.engines.spark.s3_jars import HADOOP_VERSION, S3_JARS
from neuralake.errors import EngineError, EngineUnavailableError, JavaError, NoJavaError
from neuralake.java.jar import Jar
from neuralake.java.jars import fetch_jars

SPARK_VERSION = "4.2"
SCALA_VERSION = "2.13"
DELTA_VERSION = "4.4.0"


# Transitively Ivy brings 33 jars and 84 MB: Spark ships most of them in newer versions, and the
# kernel and Unity Catalog jars serve catalogs that Neuralake does not use. With these two, 9.6 MB,
# appends, OPTIMIZE, DELETE, UPDATE, MERGE, RESTORE, VACUUM, streams and deletion vectors all work.
DELTA_JARS = (
    Jar(
        "io.delta",
        f"delta-spark_{SPARK_VERSION}_{SCALA_VERSION}",
        DELTA_VERSION,
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    ),
    Jar(
        "io.delta",
        "delta-storage",
        DELTA_VERSION,
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
    ),
)


def spark_home() -> Path:
    """Directory of the Spark that is installed as a Python package."""
    package = find_spec("pyspark")
    if package is None or package.origin is None:
        raise EngineUnavailableError(
            "pyspark is not installed: pip install 'neuralake-bench[spark]'"
        )
    return Path(package.origin).parent


def delta_jars(environ: Mapping[str, str]) -> list[Path]:
    """Paths of Delta's jars in the cache; what is missing or damaged there is fetched first.

    Parameters
    ----------
    environ
        Usually ``os.environ``: the cache root, the repository, and where Java is.

    Raises
    ------
    EngineError
        If the installed Spark is of another version than the jars, or they cannot be fetched.
    ConfigError
        If the repository is no URL.
    """
    installed = version("pyspark")
    if not installed.startswith(f"{SPARK_VERSION}."):
        raise EngineError(
            f"Delta {DELTA_VERSION} is built for Spark {SPARK_VERSION}, and pyspark {installed} "
            f"is installed: pip install 'neuralake-bench[spark]'"
        )
    return _cached(DELTA_JARS, f"delta-{DELTA_VERSION}", environ)


def s3_jars(environ: Mapping[str, str]) -> list[Path]:
    """Paths of the jars by which Spark reaches S3; what is missing or damaged is fetched first.

    Raises
    ------
    EngineError
        If the installed Spark has another Hadoop than the jars, or they cannot be fetched.
    ConfigError
        If the repository is no URL.
    """
    if not (spark_home() / "jars" / f"hadoop-client-api-{HADOOP_VERSION}.jar").exists():
        raise EngineError(
            f"hadoop-aws {HADOOP_VERSION} is built for Spark {SPARK_VERSION}, and pyspark "
            f"{version('pyspark')} is installed: pip install 'neuralake-bench[spark]'"
        )
    return _cached(S3_JARS, f"s3-hadoop-{HADOOP_VERSION}", environ)


def _cached(jars: Sequence[Jar], name: str, environ: Mapping[str, str]) -> list[Path]:
    try:
        return fetch_jars(jars, name, environ)
    except NoJavaError as error:
        raise EngineUnavailableError(str(error)) from error
    except JavaError as error:
        raise EngineError(str(error)) from error
