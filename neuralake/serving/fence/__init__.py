"""Statements that may take long or much, each in a process that can be ended at any moment."""
