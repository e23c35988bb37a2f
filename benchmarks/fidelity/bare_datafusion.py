"""DataFusion without Neuralake: read the path of a query from each line, print its nanoseconds."""

import os
import sys
import time
from pathlib import Path

from datafusion import SessionConfig, SessionContext
from deltalake import DeltaTable

cores = len(os.sched_getaffinity(0))
context = SessionContext(SessionConfig().with_target_partitions(cores))
for table in (path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    (file,) = DeltaTable(table).file_uris()
    context.register_parquet(table.name, file)
for line in sys.stdin:
    sql = Path(line.strip()).read_text()
    start = time.perf_counter_ns()
    context.sql(sql).to_arrow_table()
    print(time.perf_counter_ns() - start, flush=True)
