"""The report of a run of lifecycle: how tables age, and what maintenance is worth."""
