"""The report of a run of freshness: how old answers are, and when records came in sight."""
