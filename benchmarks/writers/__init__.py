"""What tries Neuralake's writer beyond the tests."""
