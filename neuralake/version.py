"""The version of Neuralake: what results record, and what the distribution is built with."""

__version__ = "0.1.0"
