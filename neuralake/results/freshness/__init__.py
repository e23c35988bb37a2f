"""Runs of the workload freshness: how old answers are, and when records came in sight."""
