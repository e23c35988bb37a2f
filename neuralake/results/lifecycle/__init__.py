"""The records of a run of the workload lifecycle, and what is computed from them."""
