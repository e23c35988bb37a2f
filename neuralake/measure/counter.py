"""How work is counted: what any counter of instructions is, whoever counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Counts:
    """What was executed between a start and a stop.

    Attributes
    ----------
    instructions
        Of user space, in all threads and child processes that count; None where the count is not
        whole.
    cycles
        That a simulated processor would need for them; None where none is simulated.
    """

    instructions: int | None
    cycles: int | None = None


class Counter(Protocol):
    """Counts instructions around a call."""

    def start(self) -> None:
        """Count from here on."""

    def stop(self) -> Counts:
        """What was executed since the start."""
