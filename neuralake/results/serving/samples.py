"""What is kept of each request: the schema of part files."""

from __future__ import annotations

import pyarrow as pa

# In the order of a sample's status as a number
STATUSES = ("ok", "wrong", "refused", "error", "timeout")
OK, WRONG, REFUSED, ERROR, TIMEOUT = range(len(STATUSES))

# Moments are nanoseconds from the one at which the load of a round begins; without
# started_ns a request was never sent, without done_ns it was never answered
REQUESTS = pa.schema(
    [
        ("request", pa.int64()),
        ("phase", pa.string()),
        ("kind", pa.string()),
        ("key", pa.int64()),
        ("intended_ns", pa.int64()),
        ("started_ns", pa.int64()),
        ("done_ns", pa.int64()),
        ("status", pa.string()),
        ("http_status", pa.int32()),
        ("bytes", pa.int64()),
        ("rows", pa.int64()),
        ("digest", pa.uint64()),
        ("message", pa.string()),
    ]
)
