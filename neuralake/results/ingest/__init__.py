"""Runs of the workload ingest: what is written, how fast it was durable, and who saw it when."""
