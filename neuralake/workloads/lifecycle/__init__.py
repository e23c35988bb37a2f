"""The life of a table: a plan of phases, run on each engine again and again, and checked."""
