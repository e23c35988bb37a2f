"""What a broker of our own, or a producer of events, cannot do."""

from __future__ import annotations

from neuralake.errors import NeuralakeError


class BrokerError(NeuralakeError):
    """A broker does not start or cannot be reached; the message says why."""
