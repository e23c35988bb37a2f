"""How a query runs: one adapter a file, behind one small protocol."""
