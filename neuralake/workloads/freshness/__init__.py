"""The workload freshness: records flow into a table, and readers ask for them beside it."""
