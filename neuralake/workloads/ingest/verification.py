"""Whether a table holds what was acknowledged: every row, once, as it was sent.

Runs in a worker, in an engine that is not the contestant.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.live import LiveFiles
from neuralake.delta.place import open_store
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.results.ingest.records import Key, Load, RoundVerification
from neuralake.results.parts import Part, read_part
from neuralake.storage import one_line
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.places import Target

if TYPE_CHECKING:
    import deltalake

TABLE = "events"
_MOST_TOLD = 3
_OPENS = 5  # the first of a process loads what the others find loaded
_LONGEST_OPENS_NS = 1_000_000_000  # of a log that nobody keeps short one may take as long
# Of each batch: how many rows, and that their ids are just those that were sent
_QUESTION = f"""
    SELECT batch, COUNT(*) AS n, COUNT(DISTINCT id) AS ids, MIN(id) AS least, MAX(id) AS most,
           SUM(amount) AS amount, SUM(CAST(code AS BIGINT)) AS code
    FROM {TABLE} GROUP BY batch ORDER BY batch
"""  # noqa: S608 (our own)


@dataclass(frozen=True)
class Sent:
    """What was sent to a table.

    Attributes
    ----------
    acknowledged
        Numbers of the batches whose append returned.
    in_doubt
        Of those whose append raised: each may be in the table, or not.
    """

    acknowledged: frozenset[int]
    in_doubt: frozenset[int]


@dataclass(frozen=True)
class Found:
    """What a table holds of one batch."""

    batch: int
    rows: int
    ids: int
    least: int
    most: int
    amount: Decimal
    code: int


class VerifyingProcess:
    """The object in the worker."""

    def verify(
        self,
        key: Key,
        engine: str,
        target: Target,
        load: Load,
        directory: Path,
        parts: Sequence[Part],
    ) -> RoundVerification:
        """Compare a table with the samples of its round.

        Parameters
        ----------
        key
            Of the round.
        engine
            That reads.
        target
            The table.
        load
            What was written.
        directory
            Of the run.
        parts
            The round's samples.
        """
        import deltalake  # noqa: F401 (which the first table to be opened would wait for)

        sent = sent_in(directory, parts)
        try:
            table = DeltaTable(
                name=TABLE, location=target.uri, storage_options=dict(target.options)
            )
            snapshot, open_ns = _opened(table)
            found = list(_ask(engine, table))
            own_files = _files_in_log(target)
        except Exception as error:  # noqa: BLE001 (whatever the table makes a reader raise)
            reason = one_line(error, target.options)
            return RoundVerification(key, "wrong", engine, f"it cannot be read: {reason}")
        wrong = list(differences(sent, found, Batches(load.batch_rows, load.seed)))
        files = len(snapshot.file_uris())
        if own_files != files:  # the engine found its files through deltalake
            wrong.insert(0, f"deltalake sees {files:,} files, Neuralake's own reader {own_files:,}")
        told = "; ".join(wrong[:_MOST_TOLD])
        if len(wrong) > _MOST_TOLD:
            told += f"; and {len(wrong) - _MOST_TOLD:,} more"
        return RoundVerification(
            key,
            verdict="wrong" if wrong else "verified",
            against=engine,
            detail=told or None,
            rows=sum(batch.rows for batch in found),
            version=snapshot.version(),
            files=files,
            open_ns=open_ns,
        )


def _opened(table: DeltaTable) -> tuple[deltalake.DeltaTable, int]:
    """A table's snapshot, and the median time in which one is opened, in nanoseconds."""
    took_ns: list[int] = []
    while len(took_ns) < _OPENS and sum(took_ns) < _LONGEST_OPENS_NS:
        start = time.perf_counter_ns()
        snapshot = table.snapshot()
        took_ns.append(time.perf_counter_ns() - start)
    return snapshot, statistics.median_low(took_ns)


def sent_in(directory: Path, parts: Sequence[Part]) -> Sent:
    """What the samples of a round say was sent, those of its warm-up included."""
    acknowledged: set[int] = set()
    in_doubt: set[int] = set()
    for part in parts:
        samples = read_part(directory, part)
        is_in = samples["is_acknowledged"]
        acknowledged.update(samples.filter(is_in)["batch"].to_pylist())
        in_doubt.update(samples.filter(pc.invert(is_in))["batch"].to_pylist())
    return Sent(frozenset(acknowledged), frozenset(in_doubt))


def differences(sent: Sent, found: Sequence[Found], batches: Batches) -> Iterator[str]:
    """What a table lacks, has twice, or has otherwise than it was sent; nothing where it is right.

    A batch in doubt must be there whole, or not at all.
    """
    sums = batches.sums()
    held = {batch.batch for batch in found}
    for number in sorted(sent.acknowledged - held):
        yield f"batch {number} was acknowledged and is not there"
    for batch in found:
        if batch.batch not in sent.acknowledged | sent.in_doubt:
            yield f"batch {batch.batch} was never sent"
            continue
        if (batch.rows, batch.ids) != (batches.rows, batches.rows):
            yield (
                f"batch {batch.batch} has {batch.rows:,} rows with {batch.ids:,} ids: "
                f"{batches.rows:,} were sent"
            )
            continue
        first = batch.batch * batches.rows
        if (batch.least, batch.most) != (first, first + batches.rows - 1):
            yield f"batch {batch.batch} has ids from {batch.least} to {batch.most}: not those sent"
            continue
        right = sums[batch.batch % len(sums)]
        if (batch.amount, batch.code) != (right.amount, right.code):
            yield (
                f"batch {batch.batch} adds up to {batch.amount} and {batch.code}: "
                f"{right.amount} and {right.code} were sent"
            )


def _files_in_log(target: Target) -> int:
    """Data files by Neuralake's own reader of the log."""
    return len(LiveFiles(open_store(target.uri, target.options)).files)


def _ask(engine: str, table: DeltaTable) -> Iterator[Found]:
    started = registry.start(EngineSpec(engine))
    try:
        session = started.open({TABLE: table})
        answer: pa.Table = session.execute(_QUESTION)
        session.close()
    finally:
        started.close()
    names: Mapping[str, str] = {name.lower(): name for name in answer.column_names}
    columns = [
        answer[names[name]].to_pylist()
        for name in ("batch", "n", "ids", "least", "most", "amount", "code")
    ]
    for batch, rows, ids, least, most, amount, code in zip(*columns, strict=True):
        yield Found(batch, rows, ids, least, most, Decimal(amount), int(code))
