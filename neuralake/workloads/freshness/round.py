"""One round: a table, the writer, a reader and the producers, each in processes of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import LoadError, NeuralakeError
from neuralake.measure.worker import Worker
from neuralake.results.freshness.records import (
    Key,
    Parts,
    ProcessUse,
    Round,
    RoundVerification,
)
from neuralake.results.freshness.samples import COMMITS, DISTRIBUTIONS, WAYS, distribution_rows
from neuralake.results.parts import SAMPLES, UNFINISHED, PartWriter, read_part
from neuralake.results.records import EngineRecord
from neuralake.results.timestamps import timestamp
from neuralake.starting import free_ports
from neuralake.storage import one_line
from neuralake.workloads.freshness.analysis import Analysis
from neuralake.workloads.freshness.clocks import tick_ns, wall_offset_ns
from neuralake.workloads.freshness.commits import CommitSeen, commits_of
from neuralake.workloads.freshness.events import TABLE
from neuralake.workloads.freshness.moments import Records
from neuralake.workloads.freshness.plan import FreshnessPlan
from neuralake.workloads.freshness.producing import Produced, ProducerTask
from neuralake.workloads.freshness.readers.contestants import SERVED
from neuralake.workloads.freshness.reading import Asked, ReaderTask, StartedReader
from neuralake.workloads.freshness.senders.way import Way, open_way
from neuralake.workloads.freshness.ways import first_durable_ns, ways
from neuralake.workloads.freshness.writing import ProcessMeter, WriterTask, Written
from neuralake.workloads.places import Target
from neuralake.workloads.recording import Roster
from neuralake.workloads.rounds import MOST_MESSAGE, RoundError, answer, round_worker
from neuralake.workloads.serving.contestants.protocol import HOST, Site
from neuralake.workloads.serving.server import catalog_of
from neuralake.writer.timings import read_timings

_ROOM = "neuralake.workloads.freshness"
_WRITER = f"{_ROOM}.writing:WritingProcess"
_PRODUCER = f"{_ROOM}.producing:ProducingProcess"
_READER = f"{_ROOM}.reading:ReadingProcess"
_SERVER = "neuralake.workloads.serving.server:ServerProcess"
_VERIFIER = f"{_ROOM}.verification:VerifyingProcess"
_HEAD_START_NS = 100_000_000
_START_TIMEOUT_S = 600.0
_WINDOW_S = 1.0  # of records that are asked for again
_LEAST_WINDOW = 100


@dataclass(frozen=True)
class Outcome:
    """What came of a round that came to its end.

    Attributes
    ----------
    round
        Its record.
    sent, acknowledged
        How many records of each producer.
    """

    round: Round
    sent: tuple[int, ...]
    acknowledged: tuple[int, ...]


class RoundRunner:
    """Measures rounds, one after another.

    Parameters
    ----------
    plan
        What is measured.
    directory
        Of the run.
    roster
        That readers are entered in when they have come to the end of a round.
    """

    def __init__(self, plan: FreshnessPlan, directory: Path, roster: Roster) -> None:
        self._plan, self._directory, self._roster = plan, directory, roster

    def measure(self, key: Key, target: Target) -> Outcome | Round:
        """Measure a round; a record alone says that it did not come to its end."""
        started_at = timestamp()
        try:
            with ExitStack() as stack:
                outcome = self._measure(key, target, stack)
        except RoundError as failure:
            return Round(key, failure.status, started_at, message=failure.message)
        return replace(outcome, round=replace(outcome.round, started_at=started_at))

    def verify(self, outcome: Outcome, target: Target) -> RoundVerification:
        """Let an engine that is not the reader say whether the table is right."""
        key = outcome.round.key
        engine = "datafusion" if key.case.reader == "polars" else "polars"
        try:
            with self._worker(_VERIFIER, key, "verifier") as worker:
                verdict: RoundVerification = answer(
                    partial(
                        worker.call,
                        *("verify", key, engine, target, self._plan.load.seed),
                        *(outcome.sent, outcome.acknowledged),
                        timeout_s=_START_TIMEOUT_S + self._plan.timeout_s,
                    )
                )
                return verdict
        except RoundError as failure:
            return RoundVerification(key, "unverified", engine, failure.message)

    def _measure(self, key: Key, target: Target, stack: ExitStack) -> Outcome:
        plan, load = self._plan, self._plan.load
        records = Records(load, key.case.rate)
        way = self._way(key, stack)
        writer = stack.enter_context(self._worker(_WRITER, key, "writer"))
        kept = self._directory.absolute() / SAMPLES / f"{key.stem}-timings.json{UNFINISHED}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        task = WriterTask(
            *(target, way.origin, key.case.is_compacted),
            *(load.batch_age_s, way.writer_options, kept),
        )
        told = answer(partial(writer.call, "start", task, timeout_s=_START_TIMEOUT_S))
        pids, site = dict(way.pids), self._site(key, target)
        if key.case.reader in SERVED:
            pids["server"] = self._serve(key, site, stack)
        reader = stack.enter_context(self._worker(_READER, key, "reader"))
        started: StartedReader = answer(
            partial(
                reader.call,
                "prepare",
                self._reader_task(key, target, records, site),
                timeout_s=_START_TIMEOUT_S,
            )
        )
        producer = stack.enter_context(self._worker(_PRODUCER, key, "producer"))
        sending = ProducerTask(
            load=load,
            rate=key.case.rate,
            address=way.address or told,
            table=way.topic or Path(target.uri).name,
            samples=self._directory / SAMPLES,
            stem=key.stem,
            timeout_s=plan.timeout_s,
        )
        answer(partial(producer.call, "prepare", sending, timeout_s=_START_TIMEOUT_S))
        pids |= {"producer": producer.pid, "reader": reader.pid}
        meter = ProcessMeter(pids, whole=True)
        answer(partial(writer.call, "begin", timeout_s=plan.timeout_s))
        offset_ns = wall_offset_ns()
        start_ns = time.monotonic_ns() + _HEAD_START_NS
        answer(partial(reader.call, "start", start_ns, timeout_s=plan.timeout_s))
        limit_s = records.spans.end_ns / 1e9 + 2 * plan.timeout_s
        produced: Produced = answer(partial(producer.call, "produce", start_ns, timeout_s=limit_s))
        _sleep_until(start_ns + records.spans.end_ns)
        asked: Asked = answer(
            partial(
                reader.call,
                *("stop", produced.acknowledged, plan.timeout_s),
                timeout_s=2 * plan.timeout_s + _START_TIMEOUT_S,
            )
        )
        elapsed_ns = time.monotonic_ns() - start_ns
        use = meter.read()
        use |= answer(partial(writer.call, "use", timeout_s=plan.timeout_s))
        drift_ns = wall_offset_ns() - offset_ns
        written: Written = answer(partial(writer.call, "stop", timeout_s=plan.timeout_s))
        timings = read_timings(kept)
        kept.unlink()
        durable_ns = first_durable_ns(timings, start_ns)
        commits = self._commits(target, way, start_ns + offset_ns, durable_ns)
        batches = read_part(self._directory, produced.part)
        stages = ways(timings, way.end_of, records, batches, start_ns)
        found = self._round(key, records, produced, asked, written, commits, stages, use, drift_ns)
        versions, settings = dict(started.versions), dict(started.settings)
        self._roster.enter(EngineRecord(key.case.reader, versions=versions, settings=settings))
        found = replace(found, elapsed_ns=elapsed_ns)
        return Outcome(found, produced.sent, produced.acknowledged)

    def _way(self, key: Key, stack: ExitStack) -> Way:
        try:
            return stack.enter_context(open_way(self._plan.load, key))
        except NeuralakeError as error:
            raise RoundError("error", str(error)) from error

    def _site(self, key: Key, target: Target) -> Site:
        """Where a server serves the table, if the reader has one."""
        directory = (
            self._directory.absolute() / "servers" / key.stem
        )  # of the server, which is there
        directory.mkdir(parents=True, exist_ok=True)
        table = DeltaTable(name=TABLE, location=target.uri, storage_options=dict(target.options))
        catalog = directory / "catalog.py"
        catalog.write_text(catalog_of({TABLE: table}))
        first, second = free_ports(HOST, (0, 0), "a server", LoadError)
        return Site({TABLE: table}, catalog, directory, (first, second))

    def _serve(self, key: Key, site: Site, stack: ExitStack) -> int:
        """Start the server that a reader asks; its process with all that descend from it."""
        server = stack.enter_context(self._worker(_SERVER, key, "server"))
        patience_s = self._plan.timeout_s
        answer(
            partial(
                server.call,
                *("start", key.case.reader, site, patience_s),
                timeout_s=2 * patience_s,
            )
        )
        return server.pid

    def _reader_task(self, key: Key, target: Target, records: Records, site: Site) -> ReaderTask:
        load, asking = self._plan.load, self._plan.asking
        window = max(round(key.case.rate * _WINDOW_S / load.producers), _LEAST_WINDOW)
        return ReaderTask(
            reader=key.case.reader,
            target=target,
            site=site,
            due=tuple(records.of_producer(p) for p in range(load.producers)),
            window=window,
            poll_s=asking.poll_s,
            connections=asking.connections,
            samples=self._directory / SAMPLES,
            stem=key.stem,
        )

    def _commits(
        self, target: Target, way: Way, zero_ns: int, durable_ns: Mapping[int, int]
    ) -> list[CommitSeen]:
        try:
            return commits_of(target, zero_ns, way.end_of, durable_ns)
        except (OSError, ValueError) as error:
            reason = one_line(error, target.options)
            raise RoundError("error", f"the log cannot be read: {reason}") from error

    def _round(
        self,
        key: Key,
        records: Records,
        produced: Produced,
        asked: Asked,
        written: Written,
        commits: list[CommitSeen],
        stages: pa.Table,
        use: dict[str, ProcessUse],
        drift_ns: int,
    ) -> Round:
        """What all processes of a round did together."""
        samples = self._directory / SAMPLES
        part = PartWriter(samples, f"{key.stem}-commits", COMMITS)
        part.write(commit.row for commit in commits)
        committed = part.finish()
        part = PartWriter(samples, f"{key.stem}-ways", WAYS)
        part.write_table(stages)
        staged = part.finish()
        batches, sightings, versions = (
            read_part(self._directory, each)
            for each in (produced.part, asked.sightings_part, committed)
        )
        unsure_ns = tick_ns() + abs(drift_ns)
        analysis = Analysis(records, batches, sightings, versions, unsure_ns)
        part = PartWriter(samples, f"{key.stem}-distributions", DISTRIBUTIONS)
        part.write(distribution_rows(analysis.distributions))
        violations, violation = asked.violations, asked.violation
        if analysis.seen_early:
            violations += 1
            early = f"{analysis.seen_early:,} records were seen before they were due"
            violation = violation or early
        messages = [m for m in (produced.message, *written.troubles) if m]
        if asked.message:
            messages.append(f"{key.case.reader} failed {asked.failed} times: {asked.message}")
        if written.status:
            messages.insert(0, f"the writer ended with status {written.status}")
        is_well = not (produced.message or written.status)
        return Round(
            key=key,
            status="ok" if is_well else "error",
            started_at="",
            records=records.count,
            acknowledged=sum(produced.acknowledged),
            unseen=sum(
                max(durable - held, 0)
                for durable, held in zip(produced.acknowledged, asked.held, strict=True)
            ),
            late_ns=produced.late_ns,
            polls=asked.polls,
            asked=asked.asked,
            failed_polls=asked.failed,
            apart_ns=asked.apart_ns,
            violations=violations,
            violation=violation,
            versions=len(commits),
            compactions=sum(commit.is_compaction for commit in commits),
            clock_ns=abs(drift_ns),
            use=use,
            parts=Parts(
                batches=produced.part,
                polls=asked.polls_part,
                sightings=asked.sightings_part,
                commits=committed,
                distributions=part.finish(),
                ways=staged,
            ),
            message=messages[0][:MOST_MESSAGE] if messages else None,
        )

    def _worker(self, target: str, key: Key, what: str) -> AbstractContextManager[Worker]:
        return round_worker(target, self._directory / "logs" / f"{key.stem}-{what}.log")


def _sleep_until(moment_ns: int) -> None:
    left_ns = moment_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / 1e9)
