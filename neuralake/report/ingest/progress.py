"""Progress of a run of ingest, told between rounds and never during one."""

from __future__ import annotations

from neuralake.report.ingest.words import name
from neuralake.report.steps import Steps
from neuralake.results.ingest.records import Key, Round, RoundVerification


class IngestProgress:
    """An observer that tells of each round in a line."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def before(self, key: Key, number: int, of: int) -> None:
        """A round is about to begin."""
        reader = "" if key.reader is None else f", {key.reader} reads"
        self._steps.begin(f"{_where(key)}{reader}", number, of)

    def after(self, found: Round) -> None:
        """It has ended."""
        if found.status != "ok" or found.failed:
            what = found.status if found.status != "ok" else f"{found.failed} appends failed"
            self._steps.fault(f"{_where(found.key)}: {what}: {found.message}")

    def verified(self, result: RoundVerification) -> None:
        """Its table has been judged."""
        if result.verdict == "wrong":
            self._steps.fault(f"{_where(result.key)}: wrong: {result.detail}")


def _where(key: Key) -> str:
    return f"{name(key.case, key.rate)}, round {key.round}"
