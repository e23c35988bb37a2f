"""Progress of a run of serving, told between rounds and never during one."""

from __future__ import annotations

from neuralake.report.serving.notes import where
from neuralake.report.steps import Steps
from neuralake.results.serving.records import Capacity, Key, Round


class ServingProgress:
    """An observer that tells of each round in a line."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def searching(self, contestant: str) -> None:
        """The capacity of a contestant is about to be looked for."""
        self._steps.show(f"{contestant}: how much can it answer?")

    def found(self, capacity: Capacity) -> None:
        """It is known, or not."""
        if capacity.status != "ok" or capacity.wrong:
            status = "wrong" if capacity.wrong else capacity.status
            self._steps.fault(f"{capacity.contestant}, capacity: {status}: {capacity.message}")

    def before(self, key: Key, number: int, of: int) -> None:
        """A round is about to begin."""
        self._steps.begin(f"{key.contestant} at {key.rate}, round {key.round}", number, of)

    def after(self, found: Round) -> None:
        """It has ended."""
        if found.status != "ok" or found.wrong:
            status = "wrong" if found.wrong else found.status
            self._steps.fault(f"{where(found)}: {status}: {found.message}")
