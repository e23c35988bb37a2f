"""What went wrong in a run of freshness, with its message."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.failures import Failure
from neuralake.report.freshness.words import name
from neuralake.report.numbers import count
from neuralake.results.freshness.records import FreshnessRun


def failures(run: FreshnessRun) -> tuple[Failure, ...]:
    """Rounds that did not come to their end, answers that are wrong, and tables that are."""
    return tuple(_found(run))


def _found(run: FreshnessRun) -> Iterator[Failure]:
    for found in run.rounds:
        where = f"round {found.key.round}"
        who = name(found.key.case)
        if found.status != "ok":
            yield Failure(who, None, found.status, where, found.message or "")
        if found.violations:
            status = f"{count(found.violations, 'answer')} wrong"
            yield Failure(who, None, status, where, found.violation or "")
        if found.unseen:
            yield Failure(who, None, f"{found.unseen:,} never seen", where, "")
    for result in run.verifications:
        if result.verdict != "verified":
            where = f"round {result.key.round}"
            yield Failure(name(result.key.case), None, result.verdict, where, result.detail or "")
