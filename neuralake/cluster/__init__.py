"""Spark's own cluster on loopback: to play with, for tests, and for measurements."""
