"""Runs of the workload serving: what was asked, at which rate, and how soon it was answered."""
