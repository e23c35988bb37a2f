"""What a reader of the numbers must know: why there is no metric, and who checked what."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.notes import Note, not_run
from neuralake.report.numbers import count
from neuralake.report.streams import words
from neuralake.report.surroundings import occupied
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary

_MOST_MESSAGE = 300


def notes(run: StreamsRun, summary: StreamsSummary) -> list[Note]:
    """All of them, the worst first."""
    return [
        *_faults(run, summary),
        *_unverified(run),
        *occupied(run.header.fingerprint, run.machine_use),
        *not_run(run.engines),
        *_checked(run),
    ]


def _faults(run: StreamsRun, summary: StreamsSummary) -> Iterator[Note]:
    for key, found in summary.measured.items():
        if found.fault is not None:
            where = words.where(key, run.header.rounds)
            yield Note("error", f"{where}: no metric: {found.fault}"[:_MOST_MESSAGE])
    for line in summary.lines:
        if line.fault == "it was not measured":
            streams = count(line.streams, "stream")
            yield Note("warning", f"{line.engine}, {streams}: not all of it was measured")


def _unverified(run: StreamsRun) -> Iterator[Note]:
    for phase in run.phases:
        unknown = [check for check in phase.answers if check.verdict == "unverified"]
        if unknown:
            where = words.where(phase.key, run.header.rounds)
            answers = count(len(unknown), "answer")
            yield Note("warning", f"{where}: {answers} not verified: {unknown[0].detail}")


def _checked(run: StreamsRun) -> Iterator[Note]:
    by: dict[str, set[str]] = {}
    for phase in run.phases:
        for check in phase.answers:
            if check.against is not None:
                by.setdefault(check.against, set()).add(phase.key.engine)
    for against, engines in by.items():
        yield Note("info", f"answers of {', '.join(sorted(engines))}: checked by {against}")
    paths = sorted({run.header.writer})
    if paths != ["engine"]:
        yield Note(
            "info", "refresh 1 is Neuralake's writer; refresh 2 the engine's own path, as it says"
        )
