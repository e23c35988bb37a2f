"""TPC-H's power run and throughput run: one stream alone, then several at once, and refreshes."""
