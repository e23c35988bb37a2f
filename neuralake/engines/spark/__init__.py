"""Spark in local mode, with Delta Lake's own reader.

:mod:`.options` says what can be chosen, :mod:`.java` finds a runtime, :mod:`.jars` fetches Delta,
:mod:`.conf` turns choices into Spark's settings, :mod:`.jvm` starts and stops the process, and
:mod:`.engine` registers tables and runs queries.
"""

from neuralake.engines.spark.engine import SparkEngine, SparkSession
from neuralake.engines.spark.options import SparkOptions

__all__ = ["SparkEngine", "SparkOptions", "SparkSession"]
