"""Runs of the workload streams: TPC-H's power run and throughput run, with their refreshes."""
