"""A check: what it is called, what it does, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from neuralake.errors import NeuralakeError

Status: TypeAlias = Literal["passed", "failed", "skipped"]


class CheckFailedError(NeuralakeError):
    """What a check looks for is not as it should be; the message says how it is."""


class CheckSkippedError(NeuralakeError):
    """A check has nothing to look at; the message says why."""


@dataclass(frozen=True)
class Check:
    """One thing that must hold.

    Attributes
    ----------
    name
        What it is about, room first: ``storage.clock``, ``rows.shop.orders``.
    run
        Looks, and returns what it found in a line. What it raises is how it failed;
        ``CheckSkippedError``, why there was nothing to look at.
    needs
        Names of checks without which this one can say nothing.
    watches_its_time
        Whether it keeps to the time limit itself. Others are left behind when it is over.
    """

    name: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()
    watches_its_time: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a check.

    Attributes
    ----------
    name
        Of the check.
    status
        How it ended.
    reason
        What was found, what is wrong, or why there was nothing to look at; one line.
    milliseconds
        How long it took.
    """

    name: str
    status: Status
    reason: str
    milliseconds: float
