"""What was measured at each commit, in the order of the commits, and where it changed."""
