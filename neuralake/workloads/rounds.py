"""Worker processes of a round, and how a round ends that does not come to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from neuralake.measure.worker import (
    RemoteError,
    Worker,
    WorkerDiedError,
    WorkerTimeoutError,
)
from neuralake.results.records import RoundStatus

MOST_MESSAGE = 1000
T = TypeVar("T")


def in_turn(contestants: Sequence[T], number: int) -> Iterator[T]:
    """Who is measured in a round, one after the other: so that a drift is in all of them alike.

    Parameters
    ----------
    contestants
        In the order of odd rounds; even ones go backwards.
    number
        Of the round, from 1.
    """
    return iter(contestants) if number % 2 else reversed(contestants)


class RoundError(Exception):
    """A round did not come to its end.

    Attributes
    ----------
    status, message
        As of the record of the round.
    """

    def __init__(self, status: RoundStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message[:MOST_MESSAGE]


@contextmanager
def round_worker(target: str, log: Path) -> Iterator[Worker]:
    """A worker process for the block; killed where the block raises.

    Parameters
    ----------
    target
        As of :class:`neuralake.measure.worker.Worker`.
    log
        What it prints.
    """
    worker = Worker(target, log)
    is_well = False
    try:
        yield worker
        is_well = True
    finally:
        if is_well:
            worker.close()
        else:
            worker.kill()


def answers(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The answers of several workers, asked at once.

    Raises
    ------
    RoundError
        If one of them has none.
    """
    if len(calls) == 1:
        return [answer(calls[0])]
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(answer, calls))


def answer(call: Callable[[], Any]) -> Any:
    """The answer of a worker.

    Raises
    ------
    RoundError
        If the call raised, took too long, or the process has ended.
    """
    try:
        return call()
    except RemoteError as error:
        raise RoundError("error", f"{error.kind}: {error}") from error
    except WorkerTimeoutError as error:
        raise RoundError("timeout", str(error)) from error
    except WorkerDiedError as error:
        raise RoundError("crashed", str(error)) from error
