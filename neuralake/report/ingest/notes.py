"""What a reader of the numbers must know: wrong tables, failures, batches that were never begun."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.ingest.words import name
from neuralake.report.notes import Note, not_run
from neuralake.report.numbers import count, per_second
from neuralake.report.surroundings import occupied
from neuralake.results.ingest.records import DISK, IngestRun
from neuralake.results.ingest.summary import IngestSummary, Line

_NEARLY = 0.98
_MOST_MESSAGE = 200


def notes(run: IngestRun, summary: IngestSummary) -> list[Note]:
    """All of them, the worst first."""
    return [
        *_wrong(run),
        *_failed(run),
        *_load(run, summary),
        *occupied(run.header.fingerprint, run.machine_use),
        *_contestants(run),
    ]


def _wrong(run: IngestRun) -> Iterator[Note]:
    for result in run.verifications:
        if result.verdict == "wrong":
            where = f"{name(result.key.case, result.key.rate)}, round {result.key.round}"
            yield Note("error", f"{where}: {result.detail}")


def _failed(run: IngestRun) -> Iterator[Note]:
    for found in run.rounds:
        where = f"{name(found.key.case, found.key.rate)}, round {found.key.round}"
        said = (found.message or "")[:_MOST_MESSAGE]
        if found.status != "ok":
            yield Note("error", f"{where}: {found.status}: {said}")
        elif found.failed:
            appends = count(found.failed, "append")
            yield Note("error", f"{where}: {appends} failed, the first: {said}")
        elif found.message:
            yield Note("warning", f"{where}: {said}")


def _load(run: IngestRun, summary: IngestSummary) -> Iterator[Note]:
    if run.header.load.arrivals == "closed":
        return
    for line in summary.lines:
        if line.status == "ok" and line.rate is not None:
            yield from _offered(line, line.rate)


def _offered(line: Line, rate: float) -> Iterator[Note]:
    if line.unstarted:
        batches = count(line.unstarted, "batch", "batches")
        yield Note(
            "warning",
            f"{name(line.case, rate)}: {batches} that were due were never begun: they count as "
            "slower than any other",
        )
    achieved = sum(line.rows_per_s) / len(line.rows_per_s) if line.rows_per_s else 0.0
    if achieved < _NEARLY * rate:
        yield Note(
            "warning",
            f"{name(line.case, rate)}: {per_second(achieved)} rows/s were reached, so that the "
            "latency is that of a queue that grows",
        )


def _contestants(run: IngestRun) -> Iterator[Note]:
    yield from not_run(run.contestants)
    labels = [case.contestant for case in run.header.cases]
    if DISK not in labels:
        yield Note("info", f"without the contestant {DISK} there is no limit to compare with")
