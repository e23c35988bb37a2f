"""What went wrong in a run of streams, with its message."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.failures import Failure, not_run
from neuralake.report.streams import words
from neuralake.results.phases.records import PhaseKey
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import Measured, StreamsSummary


def failures(run: StreamsRun, summary: StreamsSummary) -> tuple[Failure, ...]:
    """Engines that did not run, and of each phase what failed or was wrong."""
    return tuple(_found(run, summary))


def _found(run: StreamsRun, summary: StreamsSummary) -> Iterator[Failure]:
    yield from not_run(run.engines)
    for key, found in summary.measured.items():
        yield from _of_phase(key, found)


def _of_phase(key: PhaseKey, found: Measured) -> Iterator[Failure]:
    phase = found.phase
    name = words.phase(key.phase)
    if phase.status != "ok":
        yield Failure(key.engine, name, phase.status, "ended early", phase.message or "")
    details = {(c.session, c.position): c.detail for c in phase.answers}
    for sample in found.samples:
        if sample.status != "ok":
            message = sample.message or details.get((sample.session, sample.position)) or ""
            how = f"{sample.task} of {sample.session}"
            yield Failure(key.engine, name, sample.status, how, message)
    for answer in phase.answers:
        if answer.verdict == "unverified":
            how = f"{answer.task} of {answer.session}"
            yield Failure(key.engine, name, "unverified", how, answer.detail or "")
    for check in phase.end:
        if not check.is_right:
            status = "wrong" if check.is_right is False else "unknown"
            yield Failure(key.engine, name, status, check.name, check.detail or "")
