"""Phases of sessions of tasks: what was measured of each, whatever the workload."""
