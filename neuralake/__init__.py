"""Neuralake: performance measurement for lakehouses."""

__version__ = "0.1.0"
