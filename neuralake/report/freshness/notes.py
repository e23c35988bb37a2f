"""What a reader of the numbers must know: wrong answers, failures, what the driver has added."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.freshness import words
from neuralake.report.notes import Note
from neuralake.report.numbers import count, milliseconds
from neuralake.report.surroundings import occupied
from neuralake.results.freshness.records import FreshnessRun, Key
from neuralake.results.freshness.samples import VISIBLE_MOST
from neuralake.results.freshness.summary import FreshnessSummary

_MOST_MESSAGE = 200
_MUCH = 0.1  # of p99 of visibility: so much lateness of the driver is worth a word
_BUSY = 0.95  # of all processors


def notes(run: FreshnessRun, summary: FreshnessSummary) -> list[Note]:
    """All of them, the worst first."""
    return [
        *_wrong(run),
        *_failed(run),
        *_driver(summary),
        *_saturated(run, summary),
        *occupied(run.header.fingerprint, run.machine_use),
    ]


def _wrong(run: FreshnessRun) -> Iterator[Note]:
    for found in run.rounds:
        if found.violations:
            answers = count(found.violations, "answer")
            yield Note("error", f"{_where(found.key)}: {answers} wrong: {found.violation}")
        if found.unseen:
            yield Note("error", f"{_where(found.key)}: {found.unseen:,} records were never seen")
        if found.status == "ok" and found.acknowledged < found.records:
            lost = found.records - found.acknowledged
            yield Note("error", f"{_where(found.key)}: {lost:,} records were not acknowledged")
    for result in run.verifications:
        if result.verdict != "verified":
            yield Note("error", f"{_where(result.key)}: {result.verdict}: {result.detail}")


def _failed(run: FreshnessRun) -> Iterator[Note]:
    for found in run.rounds:
        said = (found.message or "")[:_MOST_MESSAGE]
        if found.status != "ok":
            yield Note("error", f"{_where(found.key)}: {found.status}: {said}")
        elif found.message:
            yield Note("warning", f"{_where(found.key)}: {said}")


def _driver(summary: FreshnessSummary) -> Iterator[Note]:
    for line in summary.lines:
        p99 = line.measures_ms.get(VISIBLE_MOST, {}).get("99")
        if p99 is not None and line.late_ms > _MUCH * p99:
            yield Note(
                "info",
                f"{words.name(line.case)}: the driver itself sent a batch "
                f"{milliseconds(line.late_ms * 1e6)} ms late at worst, which is in the figures",
            )


def _saturated(run: FreshnessRun, summary: FreshnessSummary) -> Iterator[Note]:
    cores = run.header.fingerprint.cores
    for line in summary.lines:
        used = sum(line.cores.values())
        if used >= _BUSY * cores:
            yield Note(
                "warning",
                f"{words.name(line.case)}: all processes together kept {used:.2f} of {cores} cores "
                "busy: what is seen is a machine at its limit",
            )


def _where(key: Key) -> str:
    return f"{words.name(key.case)}, round {key.round}"
