"""What it costs to check answers."""
