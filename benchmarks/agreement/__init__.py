"""Do all engines read the same rows of random tables? See :mod:`benchmarks.agreement.hunt`."""
