"""What is run, and in which order."""
