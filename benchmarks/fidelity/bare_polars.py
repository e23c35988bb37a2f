"""Polars without Neuralake: read the path of a query from each line, print its nanoseconds."""

import sys
import time
from pathlib import Path

import polars as pl

tables = {p.name: pl.scan_delta(p) for p in Path(sys.argv[1]).iterdir() if p.is_dir()}
context = pl.SQLContext(tables)
for line in sys.stdin:
    sql = Path(line.strip()).read_text()
    start = time.perf_counter_ns()
    context.execute(sql).collect(engine="streaming").to_arrow()
    print(time.perf_counter_ns() - start, flush=True)
