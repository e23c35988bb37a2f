"""TPC-H: tables, generator, manifest, queries, and how their answers are verified.

Results are derived from TPC-H and are not comparable with published TPC-H results.
"""
