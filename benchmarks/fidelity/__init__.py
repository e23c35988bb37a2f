"""Fidelity: is what Neuralake reports what the engine did."""
