"""The report of several runs of one workload: the later ones beside the first."""
