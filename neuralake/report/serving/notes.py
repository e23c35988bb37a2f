"""What a reader of the numbers must know: wrong answers, failures, and a driver that was late."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.notes import Note, not_run
from neuralake.report.numbers import count
from neuralake.report.serving.words import name
from neuralake.report.surroundings import occupied
from neuralake.results.serving.records import NULL, Round, ServingRun
from neuralake.results.serving.summary import ServingSummary

_MOST_MESSAGE = 300
_MUCH_OF_A_CORE = 0.5


def notes(run: ServingRun, summary: ServingSummary) -> list[Note]:
    """All of them, the worst first."""
    return [
        *_wrong(run),
        *_failed(run),
        *_load(summary),
        *occupied(run.header.fingerprint, run.machine_use),
        *_contestants(run),
    ]


def where(found: Round) -> str:
    """A round, in words."""
    unit = "" if found.key.rate.endswith("%") else "/s"
    return f"{found.key.contestant} at {found.key.rate}{unit}, round {found.key.round}"


def _wrong(run: ServingRun) -> Iterator[Note]:
    for capacity in run.capacities:
        if capacity.wrong:
            said = (capacity.message or "")[:_MOST_MESSAGE]
            answers = count(capacity.wrong, "wrong answer")
            yield Note("error", f"{capacity.contestant}, capacity: {answers}: {said}")
    for found in run.rounds:
        if found.wrong:
            said = (found.message or "")[:_MOST_MESSAGE]
            yield Note("error", f"{where(found)}: {count(found.wrong, 'wrong answer')}: {said}")


def _failed(run: ServingRun) -> Iterator[Note]:
    for capacity in run.capacities:
        if capacity.status != "ok":
            said = (capacity.message or "")[:_MOST_MESSAGE]
            yield Note("error", f"{capacity.contestant}, capacity: {capacity.status}: {said}")
    for found in run.rounds:
        said = (found.message or "")[:_MOST_MESSAGE]
        if found.status != "ok":
            yield Note("error", f"{where(found)}: {found.status}: {said}")
        elif found.failed:
            requests = count(found.failed, "request")
            yield Note("warning", f"{where(found)}: {requests} failed, the first: {said}")


def _load(summary: ServingSummary) -> Iterator[Note]:
    for line in summary.lines:
        if line.status != "ok":
            continue
        if line.timeouts:
            requests = count(line.timeouts, "request")
            yield Note("warning", f"{name(line)}: {requests} were not answered in time")
        driver = (line.driver_cpu_us or 0.0) * (line.offered or 0.0) / 1e6
        if line.cpu_us is not None and driver > _MUCH_OF_A_CORE:
            yield Note(
                "warning",
                f"{name(line)}: the driver used {driver:.2f} of a core itself: it may be what was "
                "measured",
            )


def _contestants(run: ServingRun) -> Iterator[Note]:
    yield from not_run(run.contestants)
    if NULL not in run.header.contestants:
        yield Note("info", f"without the contestant {NULL} there is no floor to compare with")
