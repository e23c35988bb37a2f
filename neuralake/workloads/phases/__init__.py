"""Phases of sessions of tasks: what runs at once on an engine, whatever the workload."""
