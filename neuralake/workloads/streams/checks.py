"""stand-in: what must hold at the end of a phase."""
