"""What went wrong in a run of lifecycle, with its message."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.failures import Failure, not_run
from neuralake.report.lifecycle import words
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary


def failures(run: LifecycleRun, summary: LifecycleSummary) -> tuple[Failure, ...]:
    """Engines that did not run, and of each phase what failed, was wrong, or cannot be done."""
    return tuple(_found(run, summary))


def _found(run: LifecycleRun, summary: LifecycleSummary) -> Iterator[Failure]:
    yield from not_run(run.engines)
    for phase in run.phases:
        key = phase.key
        where = words.where(key, run.header.repetitions).partition(", ")[2]
        if phase.status != "ok":
            yield Failure(key.engine, where, phase.status, "ended early", phase.message or "")
        details = {(c.session, c.position): c.detail for c in phase.answers}
        for sample in summary.samples[key]:
            if sample.status != "ok":
                message = sample.message or details.get((sample.session, sample.position)) or ""
                how = f"{sample.task} of {sample.session}"
                yield Failure(key.engine, where, sample.status, how, message)
        for check in phase.end:
            if not check.is_right:
                status = "wrong" if check.is_right is False else "unknown"
                yield Failure(key.engine, where, status, check.name, check.detail or "")
