"""A jar as Maven names it, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Jar:
    """A jar by its Maven coordinates and what is in it."""

    organisation: str
    name: str
    revision: str
    sha256: str

    @property
    def coordinates(self) -> str:
        """As Spark and Maven write them."""
        return f"{self.organisation}:{self.name}:{self.revision}"

    @property
    def file_name(self) -> str:
        """Name in the cache."""
        return f"{self.name}-{self.revision}.jar"
