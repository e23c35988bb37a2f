"""One round: a contestant in processes of its own, from a fresh table to its verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from neuralake.measure.process import known_total
from neuralake.measure.worker import Worker
from neuralake.results.ingest.records import Key, Round, RoundVerification
from neuralake.results.parts import SAMPLES
from neuralake.results.records import EngineRecord
from neuralake.results.timestamps import timestamp
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.ingest.maintenance import Passes
from neuralake.workloads.ingest.plan import IngestPlan
from neuralake.workloads.ingest.producer import Produced, Started, Task
from neuralake.workloads.ingest.reader import Polled, ReaderTask
from neuralake.workloads.places import Target
from neuralake.workloads.recording import Roster
from neuralake.workloads.rounds import MOST_MESSAGE, RoundError, answer, answers, round_worker

_PRODUCER = "neuralake.workloads.ingest.producer:ProducerProcess"
_MAINTENANCE = "neuralake.workloads.ingest.maintenance:MaintenanceProcess"
_READER = "neuralake.workloads.ingest.reader:ReaderProcess"
_VERIFIER = "neuralake.workloads.ingest.verification:VerifyingProcess"
_HEAD_START_NS = 20_000_000
_START_TIMEOUT_S = 600.0
_PATIENCE_S = 60.0  # for a reader to see the last batches


class RoundRunner:
    """Measures the rounds of a plan, one after another.

    Parameters
    ----------
    plan
        What is measured.
    directory
        Of the run.
    roster
        That contestants are entered in as they are met.
    """

    def __init__(self, plan: IngestPlan, directory: Path, roster: Roster) -> None:
        self._plan, self._directory, self._roster = plan, directory, roster

    def has_table(self, key: Key) -> bool:
        """Whether a round leaves a table that can be verified."""
        return contestant_type(key.case.contestant).makes_tables

    def measure(self, key: Key, target: Target) -> Round:
        """Measure a round; one that does not come to its end says why."""
        started_at = timestamp()
        try:
            with ExitStack() as stack:
                found = self._measure(key, target, stack)
        except RoundError as failure:
            return Round(key, failure.status, started_at, message=failure.message)
        return replace(found, started_at=started_at)

    def verify(self, found: Round, target: Target) -> RoundVerification:
        """Let an engine that is not the contestant say whether the table is right."""
        key = found.key
        if found.status != "ok":
            return RoundVerification(key, "unverified", detail="the round did not come to its end")
        try:
            with self._worker(_VERIFIER, key, "verifier") as worker:
                verdict: RoundVerification = answer(
                    partial(
                        worker.call,
                        "verify",
                        key,
                        "polars",
                        target,
                        self._plan.load,
                        self._directory,
                        found.parts,
                        timeout_s=self._plan.timeout_s,
                    )
                )
                return verdict
        except RoundError as failure:
            return RoundVerification(key, "unverified", "polars", failure.message)

    def _measure(self, key: Key, target: Target, stack: ExitStack) -> Round:
        case = key.case
        workers = self._producers(key, target, stack)
        reader = None
        if key.reader is not None:
            reader = stack.enter_context(self._worker(_READER, key, "reader"))
            self._prepare_reader(reader, key, target)
        keeper = None
        if case.is_maintained:
            keeper = stack.enter_context(self._worker(_MAINTENANCE, key, "maintenance"))
            every_s = self._plan.maintenance_every_s
            answer(partial(keeper.call, "start", case.contestant, target, every_s))
        start_ns = time.monotonic_ns() + _HEAD_START_NS
        if reader is not None:
            answer(partial(reader.call, "start", start_ns))
        produced: Sequence[Produced] = answers(
            [
                partial(worker.call, "produce", start_ns, timeout_s=self._plan.timeout_s)
                for worker in workers
            ]
        )
        polled: Polled | None = None
        if reader is not None:
            commits = sum(p.commits for p in produced)
            # an engine that is told to end waits for its query, however long that takes
            limit_s = _PATIENCE_S + self._plan.timeout_s
            polled = answer(partial(reader.call, "stop", commits, _PATIENCE_S, timeout_s=limit_s))
        passes: Passes | None = None
        if keeper is not None:
            passes = answer(partial(keeper.call, "stop", timeout_s=self._plan.timeout_s))
        return _round(key, produced, passes, polled)

    def _producers(self, key: Key, target: Target, stack: ExitStack) -> list[Worker]:
        """Processes that are ready to produce, each its share."""
        load, contestant = self._plan.load, key.case.contestant
        workers = [
            stack.enter_context(self._worker(_PRODUCER, key, f"producer-{share}"))
            for share in range(load.processes)
        ]
        tasks = [
            Task(
                contestant=contestant,
                target=target,
                load=load,
                rate=key.rate,
                share=share,
                samples=self._directory / SAMPLES,
                part=f"{key.stem}-p{share}",
            )
            for share in range(load.processes)
        ]
        started: Sequence[Started] = answers(
            [
                partial(worker.call, "prepare", task, timeout_s=_START_TIMEOUT_S)
                for worker, task in zip(workers, tasks, strict=True)
            ]
        )
        versions, settings = started[0].versions, started[0].settings
        self._roster.enter(EngineRecord(contestant, versions=versions, settings=settings))
        return workers

    def _prepare_reader(self, reader: Worker, key: Key, target: Target) -> None:
        task = ReaderTask(
            engine=key.reader or "",
            target=target,
            poll_s=self._plan.freshness.poll_s,
            samples=self._directory / SAMPLES,
            part=f"{key.stem}-sightings",
        )
        answer(partial(reader.call, "prepare", task, timeout_s=_START_TIMEOUT_S))

    def _worker(self, target: str, key: Key, what: str) -> AbstractContextManager[Worker]:
        return round_worker(target, self._directory / "logs" / f"{key.stem}-{what}.log")


def _round(
    key: Key, produced: Sequence[Produced], passes: Passes | None, polled: Polled | None
) -> Round:
    """What all processes of a round did together."""
    messages = [p.message for p in produced if p.message]
    if passes is not None and passes.message is not None:
        messages.append(f"maintenance failed {passes.failed} times: {passes.message}")
    if polled is not None and polled.message is not None:
        messages.append(f"{key.reader} failed {polled.failed} times: {polled.message}")
    return Round(
        key=key,
        status="ok",
        started_at="",
        elapsed_ns=max((p.last_ns for p in produced), default=0),
        commits=sum(p.commits for p in produced),
        rows=sum(p.rows for p in produced),
        size_bytes=known_total(p.size_bytes for p in produced),
        failed=sum(p.failed for p in produced),
        unstarted=sum(p.unstarted for p in produced),
        parts=tuple(p.part for p in produced),
        cpu_ns=known_total(p.cpu_ns for p in produced),
        peak_rss_bytes=known_total(p.peak_rss_bytes for p in produced),
        sightings=polled.part if polled else None,
        polls=polled.polls if polled else None,
        failed_polls=polled.failed if polled else None,
        apart_ns=polled.apart_ns if polled else None,
        unseen=polled.unseen if polled else None,
        passes=passes.passes if passes else None,
        message=messages[0][:MOST_MESSAGE] if messages else None,
    )
