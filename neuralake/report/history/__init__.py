"""The report of a history: what was measured at each commit, and where it changed."""
