"""How a comparison is carried out, and who is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from neuralake.results.comparison import By, Change
from neuralake.stats.paired import Question


@dataclass(frozen=True)
class Terms:
    """How a comparison is carried out.

    Attributes
    ----------
    question
        Effects and error rates.
    max_time_s
        For all engines together.
    rounds
        Pairs of each query in each pair of processes; None for what the noise calls for.
    timeout_s
        Of one execution, or None.
    until_regression
        Whether an engine ends with the first verdict ``slower``, or ``more work``.
    until_time
        Whether it goes on until the time is up, whatever is decided.
    by
        What is compared. Instructions that a simulator counts feel no neighbour: both arms run at
        once.
    seed
        Of the random orders.
    """

    question: Question
    max_time_s: float
    rounds: int | None = None
    timeout_s: float | None = None
    until_regression: bool = False
    until_time: bool = False
    by: By = "time"
    seed: int = 1


class Observer(Protocol):
    """Is told what happens, between executions and never during one."""

    def building(self, text: str) -> None:
        """An arm is being built."""

    def planned(self, needed_s: Mapping[str, float]) -> None:
        """By this machine's noise, each engine has all verdicts after at most so many seconds."""

    def starting(self, engine: str, processes: int, rounds: int) -> None:
        """A pair of processes is about to start, for so many rounds."""

    def paired(self, engine: str, processes: int, round: int) -> None:
        """A round of pairs is done."""

    def judged(
        self, engine: str, suite: Change, queries: tuple[Change, ...], left_s: float
    ) -> None:
        """A pair of processes is done, and this is what can be said so far."""
