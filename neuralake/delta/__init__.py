"""What Neuralake itself knows of the Delta protocol: snapshots, their files, and their rows."""
