"""Spark without Neuralake: read the path of a query from each line, print its nanoseconds."""

import os
import sys
import time
from pathlib import Path

os.environ["PYSPARK_SUBMIT_ARGS"] = "--driver-memory 4g pyspark-shell"
from deltalake import DeltaTable
from pyspark.sql import SparkSession

builder = SparkSession.builder.master(f"local[{len(os.sched_getaffinity(0))}]")
for setting in sys.argv[2:]:
    builder = builder.config(*setting.split("=", 1))
spark = builder.getOrCreate()
for table in (path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    snapshot = spark.read.format("delta").option("versionAsOf", DeltaTable(table).version())
    snapshot.load(str(table)).createOrReplaceTempView(table.name)
for line in sys.stdin:
    sql = Path(line.strip()).read_text()
    start = time.perf_counter_ns()
    spark.sql(sql).toArrow()
    print(time.perf_counter_ns() - start, flush=True)
