"""Queries as tests, for those who keep their benchmarks under pytest-benchmark."""
