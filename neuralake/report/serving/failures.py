"""What went wrong in a run of serving, with its message."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.failures import Failure, not_run
from neuralake.report.numbers import count
from neuralake.results.serving.records import ServingRun


def failures(run: ServingRun) -> tuple[Failure, ...]:
    """Contestants that did not run, rounds that did not come to their end, and wrong answers."""
    return tuple(_found(run))


def _found(run: ServingRun) -> Iterator[Failure]:
    yield from not_run(run.contestants)
    for capacity in run.capacities:
        said = "wrong" if capacity.wrong else capacity.status
        if said != "ok":
            message = capacity.message or ""
            yield Failure(capacity.contestant, None, said, "search for the capacity", message)
    for found in run.rounds:
        name = f"{found.key.contestant} at {found.key.rate}"
        how: str = "wrong" if found.wrong else found.status
        if how == "ok" and found.failed:
            how = f"{count(found.failed, 'request')} failed"
        if how != "ok":
            yield Failure(name, None, how, f"round {found.key.round}", found.message or "")
