"""What went wrong, with its message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """One kind of failure of one query on one engine.

    Attributes
    ----------
    engine, query
        Whose; ``query`` is None where the engine itself failed.
    status
        A sample's status, or a verdict.
    where
        Phase and round, how often, or what the answer was compared with.
    message
        What was said.
    """

    engine: str
    query: str | None
    status: str
    where: str
    message: str
