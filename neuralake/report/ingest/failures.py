"""What went wrong in a run of ingest, with its message."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.failures import Failure, not_run
from neuralake.report.ingest.words import name
from neuralake.report.numbers import count
from neuralake.results.ingest.records import IngestRun, Key


def failures(run: IngestRun) -> tuple[Failure, ...]:
    """Rounds that did not come to their end, appends that failed, and tables that are wrong."""
    return tuple(_found(run))


def _found(run: IngestRun) -> Iterator[Failure]:
    yield from not_run(run.contestants)
    for found in run.rounds:
        if found.status != "ok":
            yield _failure(found.key, found.status, found.message)
        elif found.failed:
            appends = f"{count(found.failed, 'append')} failed"
            yield _failure(found.key, appends, found.message)
    for result in run.verifications:
        if result.verdict == "wrong":
            yield _failure(result.key, "wrong", result.detail)


def _failure(key: Key, status: str, message: str | None) -> Failure:
    reader = "" if key.reader is None else f", {key.reader} reads"
    return Failure(
        name(key.case, key.rate), None, status, f"round {key.round}{reader}", message or ""
    )
