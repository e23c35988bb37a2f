"""Polars without Neuralake: read the path of a query from each line, print its nanoseconds."""

import sys
import time
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

directories = [path for path in Path(sys.argv[1]).iterdir() if path.is_dir()]
tables = {p.name: pl.scan_parquet(DeltaTable(p).file_uris()) for p in directories}
context = pl.SQLContext(tables)
for line in sys.stdin:
    sql = Path(line.strip()).read_text()
    start = time.perf_counter_ns()
    context.execute(sql).collect(engine="streaming").to_arrow()
    print(time.perf_counter_ns() - start, flush=True)
