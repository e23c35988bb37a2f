"""Java: a runtime that is there, and jars that are fetched once from Maven and always checked."""
