"""What can go wrong with a cluster of our own."""

from __future__ import annotations

from neuralake.errors import NeuralakeError


class ClusterError(NeuralakeError):
    """A cluster cannot be started, or has ended; the message has the end of its log."""
