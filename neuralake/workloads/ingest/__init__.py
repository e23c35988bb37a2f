"""The workload ingest: batches are appended to tables until each is durable, and that is timed."""
