"""Mutants of the core: small faults put into the code one at a time, which a test must find."""
