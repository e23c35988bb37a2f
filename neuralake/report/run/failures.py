"""Everything that went wrong in a run, each once, with its message."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.report.failures import Failure, together
from neuralake.report.numbers import NONE
from neuralake.results.records import Run, Sample


def failures(run: Run) -> tuple[Failure, ...]:
    """All failures, in the order of engines and queries; equal ones are counted, not repeated.

    Queries that fail for one reason, a table's fault for one, share theirs.

    A wrong answer is told by its verdict; its samples are told only if none was given.
    """
    found: dict[tuple[str, str | None, str, str], list[Sample]] = {}
    wrong = run.wrong
    for sample in run.samples:
        told = sample.status == "wrong" and (sample.engine, sample.query) in wrong
        if sample.status != "ok" and not told:
            key = (sample.engine, sample.query, sample.status, sample.message or "")
            found.setdefault(key, []).append(sample)
    listed = [Failure(*key[:3], _where(samples), key[3]) for key, samples in found.items()]
    said = {(failure.engine, failure.query, failure.message) for failure in listed}
    listed += [
        Failure(v.engine, v.query, v.verdict, _against(v.against), v.detail or "")
        for v in run.verifications
        if v.verdict in ("wrong", "failed") and (v.engine, v.query, v.detail or "") not in said
    ]
    engines = {engine.name: place for place, engine in enumerate(run.engines)}
    queries = {query: place for place, query in enumerate(run.header.queries)}
    listed.sort(key=lambda f: (engines.get(f.engine, len(engines)), queries.get(f.query or "", -1)))
    return together(listed)


def _where(samples: Sequence[Sample]) -> str:
    first = samples[0]
    phase = "first run" if first.phase == "first" else first.phase
    where = f"{phase} run {first.round}" if first.phase in ("hot", "cold") else phase
    return where if len(samples) == 1 else f"{where}, and {len(samples) - 1:,} more"


def _against(against: str | None) -> str:
    return NONE if against is None else f"against {against}"
