"""The report of a run of queries: how long each took on each engine, and why."""
