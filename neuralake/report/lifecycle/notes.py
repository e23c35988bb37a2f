"""What a reader of the numbers must know: what was wrong, what was not run, and what disturbed."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.lifecycle import words
from neuralake.report.notes import Note, not_run
from neuralake.report.numbers import count
from neuralake.report.surroundings import occupied
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary

_MOST_MESSAGE = 300
_MOST_FAULTS = 20


def notes(run: LifecycleRun, summary: LifecycleSummary) -> list[Note]:
    """All of them, the worst first."""
    return [
        *_faults(run, summary),
        *_stopped(run),
        *_unverified(run),
        *_unsupported(summary),
        *_other_questions(summary),
        *_intervals(run, summary),
        *occupied(run.header.fingerprint, run.machine_use),
        *_engines(run),
    ]


def _faults(run: LifecycleRun, summary: LifecycleSummary) -> Iterator[Note]:
    repetitions = run.header.repetitions
    for phase in run.phases:
        where = words.where(phase.key, repetitions)
        if phase.status != "ok":
            yield Note("error", f"{where}: {phase.status}: {phase.message}"[:_MOST_MESSAGE])
        for check in phase.end:
            if check.is_right is False:
                yield Note("error", f"{where}: {check.name}: {check.detail}"[:_MOST_MESSAGE])
    for key, sample in summary.faults[:_MOST_FAULTS]:
        where = words.where(key, repetitions)
        told = f"{where}: {sample.task}: {sample.status}: {sample.message or 'see the failures'}"
        yield Note("error", told[:_MOST_MESSAGE])
    if len(summary.faults) > _MOST_FAULTS:
        more = count(len(summary.faults) - _MOST_FAULTS, "further task")
        yield Note("error", f"{more} failed: see the failures")


def _stopped(run: LifecycleRun) -> Iterator[Note]:
    for end in run.repetitions:
        if end.stopped:
            told = (
                f"{end.engine}, repetition {end.repetition} ended early, as nobody knows what the "
                f"tables hold: {end.stopped}"
            )
            yield Note("warning", told[:_MOST_MESSAGE])


def _unverified(run: LifecycleRun) -> Iterator[Note]:
    for phase in run.phases:
        unknown = [check for check in phase.answers if check.verdict == "unverified"]
        if unknown:
            where = words.where(phase.key, run.header.repetitions)
            answers = count(len(unknown), "answer")
            yield Note("warning", f"{where}: {answers} not verified: {unknown[0].detail}")


def _unsupported(summary: LifecycleSummary) -> Iterator[Note]:
    for found in summary.supports:
        if found.state == "unsupported":
            what = words.TASKS.get(found.kind, found.kind)
            yield Note("warning", f"{found.engine}: {what} is unsupported: {found.detail}")


def _other_questions(summary: LifecycleSummary) -> Iterator[Note]:
    for name in dict.fromkeys(s.name for s in summary.series if not s.asks_alike):
        yield Note(
            "warning",
            f"series {name} has no S_DR: its phases do not ask the same queries equally often",
        )


def _intervals(run: LifecycleRun, summary: LifecycleSummary) -> Iterator[Note]:
    for engine, number in summary.repetitions.items():
        if number == 1:
            yield Note(
                "warning",
                f"{engine} has carried out the plan once: there is no interval, and nobody knows "
                "what is chance",
            )
    if run.finished_at is None:
        yield Note("warning", "the run was interrupted: --resume goes on with it")


def _engines(run: LifecycleRun) -> Iterator[Note]:
    yield from not_run(run.engines)
    if run.header.writer != "engine":
        yield Note("info", "changes are made by Neuralake's writer where it can, as the ways say")
