"""Maintenance beside the producers: compaction, checkpoints and vacuum, in a process of its own."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass

from neuralake.storage import one_line
from neuralake.workloads.ingest.contestants.protocol import Maintained
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.places import Target


@dataclass(frozen=True)
class Passes:
    """What maintenance did.

    Attributes
    ----------
    passes
        That came to their end.
    failed
        That raised.
    message
        What the first of these said.
    """

    passes: int
    failed: int
    message: str | None


class MaintenanceProcess:
    """The object in the worker: one pass after another, with a pause between."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._passes = self._failed = 0
        self._message: str | None = None

    def start(self, contestant: str, target: Target, every_s: float) -> None:
        """Begin, and return at once.

        Parameters
        ----------
        contestant
            Whose means are used.
        target
            The table.
        every_s
            Pause between two passes, in seconds.
        """
        keeper = contestant_type(contestant)(target)
        if not isinstance(keeper, Maintained):
            raise TypeError(f"{contestant} has no maintenance")
        self._thread = threading.Thread(target=self._run, args=(keeper, target, every_s))
        self._thread.start()

    def stop(self) -> Passes:
        """Let the pass that runs come to its end, and tell what was done."""
        self._is_over.set()
        self._thread.join()
        return Passes(self._passes, self._failed, self._message)

    def close(self) -> None:
        """Begin no further pass."""
        self._is_over.set()

    def _run(self, keeper: Maintained, target: Target, every_s: float) -> None:
        with closing(keeper):
            while not self._is_over.wait(every_s):
                try:
                    keeper.maintain()
                    self._passes += 1
                except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
                    self._failed += 1
                    self._message = self._message or one_line(error, target.options)
