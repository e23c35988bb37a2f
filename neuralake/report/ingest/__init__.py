"""The report of a run of ingest: how fast batches were durable, and how near the disk's limit."""
