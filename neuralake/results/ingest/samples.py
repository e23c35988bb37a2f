"""What is kept of each commit, and of each batch that a reader saw: the schemas of part files."""

from __future__ import annotations

import pyarrow as pa

# Moments are nanoseconds from the one at which the first batch of a round is due
COMMITS = pa.schema(
    [
        ("batch", pa.int64()),
        ("producer", pa.int16()),
        ("is_warm_up", pa.bool_()),
        ("intended_ns", pa.int64()),
        ("started_ns", pa.int64()),
        ("done_ns", pa.int64()),
        ("rows", pa.int32()),
        ("is_acknowledged", pa.bool_()),
        ("version", pa.int64()),
        ("size_bytes", pa.int64()),
        ("appends", pa.int32()),
        ("attempts", pa.int32()),
        ("wait_ns", pa.int64()),
        ("conform_ns", pa.int64()),
        ("encode_ns", pa.int64()),
        ("write_ns", pa.int64()),
        ("commit_ns", pa.int64()),
        ("message", pa.string()),
    ]
)
# A batch that a reader saw: answers of its last query without, and of its first query with it
SIGHTINGS = pa.schema(
    [
        ("batch", pa.int64()),
        ("without_ns", pa.int64()),
        ("with_ns", pa.int64()),
    ]
)
