"""Where a server listens, and by which certificate it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuralake.sources.address import Address


@dataclass(frozen=True)
class Listening:
    """Where a server listens.

    Attributes
    ----------
    address
        Host and port; port 0 takes a free one.
    certificate, key
        Files in PEM; without them it speaks plain text.
    """

    address: Address
    certificate: Path | None = None
    key: Path | None = None
