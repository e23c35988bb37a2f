"""A job that extracts, loads and transforms: Polars writes what Spark reads, and the other way."""

from typing import Any

import polars as pl

from neuralake.api import OpenCatalog
from neuralake.catalog import DeltaTable, Table


def sessions_by_polars(lake: OpenCatalog) -> int:
    """Sum recordings up by implant and hour; how many rows of recordings there were."""
    recordings, sessions = lake.table("recordings"), lake.table("sessions")
    rows = recordings.lazy(columns=["implant_id", "recorded_at", "spikes"]).collect()
    hours = rows.group_by("implant_id", hour=pl.col("recorded_at").dt.truncate("1h")).agg(
        seconds=pl.len().cast(pl.Int64), spikes=pl.sum("spikes")
    )
    hours.write_delta(_uri(sessions), mode="overwrite")
    return len(rows)


def days_by_spark(lake: OpenCatalog, spark: Any) -> None:
    """Sum sessions up by day, with a session of PySpark."""
    from pyspark.sql import functions as f

    sessions = spark.read.format("delta").load(_uri(lake.table("sessions")))
    by_day = sessions.groupBy("implant_id", f.to_date("hour").alias("day")).agg(
        f.sum("seconds").alias("seconds"), f.sum("spikes").alias("spikes")
    )
    by_day.write.format("delta").mode("overwrite").save(_uri(lake.table("days")))


def spikes_by_polars(lake: OpenCatalog) -> int:
    """Read what Spark wrote: the sum of all spikes."""
    total: int = lake.table("days").lazy(columns=["spikes"]).sum().collect().item()
    return total


def _uri(table: Table) -> str:
    if not isinstance(table, DeltaTable):
        raise TypeError(f"{table.name} is no Delta table")
    return table.uri
