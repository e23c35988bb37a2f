"""Benchmarks of Neuralake itself; run from the root of the repository."""
