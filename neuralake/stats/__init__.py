"""What the numbers mean: arrays in, numbers out, no I/O."""
