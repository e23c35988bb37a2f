"""Arrow Flight SQL for the same tables, for ADBC and JDBC."""
