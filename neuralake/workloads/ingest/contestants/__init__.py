"""Who appends: one contestant a file, behind one small protocol."""
