"""How a run of streams is told."""
