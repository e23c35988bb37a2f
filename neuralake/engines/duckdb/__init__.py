"""DuckDB over the data files of each snapshot: an extra."""

from neuralake.engines.duckdb.engine import DuckDBEngine, DuckDBOptions, DuckDBSession

__all__ = ["DuckDBEngine", "DuckDBOptions", "DuckDBSession"]
