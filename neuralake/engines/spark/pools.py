"""Which pool of Spark's fair scheduler the jobs of a thread go to (Spark, "Job Scheduling")."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_POOL = "spark.scheduler.pool"


def is_behind_connect(spark: SparkSession) -> bool:
    """Whether a session is one of Spark Connect's, without a JVM of ours."""
    return not hasattr(spark, "_jsparkSession")


def share_fairly(spark: SparkSession) -> None:
    """Let the jobs that this thread starts share the cores with those of others.

    A pool is the thread's, not the session's: Spark keeps each for as long as it lives, and looks
    into all of them for the next task, while sessions are opened for every query. Those behind
    Spark Connect are the server's to share out.
    """
    if is_behind_connect(spark):
        return
    spark.sparkContext.setLocalProperty(_POOL, f"neuralake-{threading.get_ident()}")
